import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { VtorqueError } from '../../base/index.ts';
import { qemuArguments } from '../command-line.ts';
import { qemuIdentity, qemuProgram } from '../program.ts';
import { qemuDescriptors, type VmSpec } from '../spec.ts';
import { type ColdBoot, coldBoot } from './cold-boot.ts';
import { templateLine, templateSpec } from './line.ts';
import { ownMemory } from './own-memory.ts';

export interface KeyFacts {
  /** SHA-256 of a file, in hexadecimal. */
  readonly digestOf: (path: string) => Promise<string>;
  /** Name of what is done in the guest before it is kept; another name where that is something else. */
  readonly preparation: string;
  /** Of QEMU's environment: where it is looked for. */
  readonly path: string;
}

/** Raised when templates of before cannot be used any more although nothing of all below has changed. */
const FORMAT = 1;

/** Why no template can be made of this machine. Pure. */
export function whyNoTemplate({ placement }: VmSpec): ColdBoot | undefined {
  const { hugePages, cells = [] } = placement?.memory ?? {};
  if (hugePages !== undefined) return coldBoot('huge-pages', 'memory of huge pages');
  return cells.length > 1 ? coldBoot('numa', 'memory of several NUMA nodes') : undefined;
}

/**
 * What a template can be used for: the same for machines whose guests boot alike, whatever their jobs attach to them. In it: kernel and
 * initial RAM disk (and with that the agent), the whole command line, QEMU, the processor.
 * @throws VtorqueError `E_SPAWN` when there is no QEMU, or what `digestOf` throws
 */
export async function templateKey(spec: VmSpec, { digestOf, preparation, path }: KeyFacts): Promise<string> {
  const line = templateLine(qemuArguments(templateSpec(nameless(spec), ''), qemuDescriptors), ownMemory);
  const { boot, disk } = spec;
  // An overlay names the disk that it lies over by its path.
  const files = boot.kind === 'direct' ? [boot.kernel, boot.initrd] : [disk?.path ?? '', boot.seed];
  const digests = await Promise.all(files.map(digestOf));
  const where = boot.kind === 'disk' ? [disk?.path, disk?.format] : [];
  const qemu = await qemuIdentity(path);
  if (qemu === undefined) {
    throw new VtorqueError('E_SPAWN', `Cannot start "${qemuProgram}": it is in no directory of PATH`, {
      hint: 'Install QEMU on the node (Debian: qemu-system-x86)',
      phase: 'vm-start',
    });
  }
  const facts = [FORMAT, line, digests, where, preparation, qemu, await processorIdentity(spec)];
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex').slice(0, 32);
}

/** The same machine without the paths of what it boots: their content counts. */
function nameless(spec: VmSpec): VmSpec {
  const boot = spec.boot.kind === 'direct' ? { ...spec.boot, kernel: '', initrd: '' } : { ...spec.boot, seed: '' };
  return { ...spec, boot };
}

/** With KVM a guest sees what the node's processor can do; the translator shows the same on all, but the processor's clock. */
async function processorIdentity({ accelerator }: VmSpec): Promise<string> {
  const [first = ''] = (await readFile('/proc/cpuinfo', 'utf8')).split('\n\n', 1);
  const wanted = accelerator === 'kvm' ? /^(model name|stepping|flags)\s/ : /^model name\s/;
  return first
    .split('\n')
    .filter((line) => wanted.test(line))
    .join('\n');
}

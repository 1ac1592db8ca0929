import { chmod, chown, open as openDirectory, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { VtorqueError, within } from '../../base/index.ts';
import type { GuestAgent } from '../../guest/linux/index.ts';
import { type Argv, boundToUs, run, runTool } from '../../process/index.ts';
import { qemuArguments } from '../command-line.ts';
import { type MachineStart, startVm } from '../machine.ts';
import { qemuProgram } from '../program.ts';
import { qemuDescriptors, type RootDisk, type VmSpec } from '../spec.ts';
import { templateLine, templateSpec } from './line.ts';
import { templateFiles } from './manifest.ts';
import { memoryFd, ownMemory, withOwnMemory } from './own-memory.ts';
import { saveState } from './state.ts';
import { type NewTemplate, publishTemplate } from './store.ts';

export interface MakeOptions {
  readonly key: string;
  /** What is done in the guest before it is kept. It sees to it that nothing is in it that its clones must not share. */
  readonly prepare: (agent: GuestAgent) => Promise<void>;
  /** Of QEMU. */
  readonly env: Readonly<Record<string, string>>;
  readonly readyWithinMs: number;
  readonly signal?: AbortSignal | undefined;
  /** Whether other users may use it. */
  readonly open: boolean;
  /** Only with what the node's processors have left. */
  readonly idle: boolean;
}

const MiB = 1024 ** 2;
/**
 * A guest in its initial RAM disk takes about 65 MB, and a fiftieth of its memory for its tables; one that has booted a whole system some hundreds,
 * and what it has written.
 */
const roomWanted = { direct: 300 * MiB, disk: 1500 * MiB } as const;
const roomOfTables = 1 / 50;
const overlayWithinMs = 60_000;
const saveWithinMs = 60_000;
/** Of a guest that has booted a whole system, to a disk that others use as well. */
const copyWithinMs = 300_000;

/**
 * Boot a machine without anything of a job, and keep it as the template `dir`. Only for who holds the key's lock.
 * @throws VtorqueError `E_TEMPLATE`, or as `startVm`
 */
export async function makeTemplate(spec: VmSpec, dir: string, options: MakeOptions): Promise<void> {
  await checkRoom(dirname(dir), roomWanted[spec.boot.kind] + spec.ram * roomOfTables);
  const { key, open } = options;
  await publishTemplate(dir, { key, open, fill: (draft) => bootAndSave(spec, draft, options) });
}

async function bootAndSave(job: VmSpec, draft: string, options: MakeOptions): Promise<NewTemplate> {
  const files = templateFiles(draft);
  const spec = templateSpec(job, files.disk);
  const { vcpus, ram, accelerator, boot } = spec;
  const withDisk = boot.kind === 'disk';
  if (withDisk && job.disk !== undefined) await makeOverlay(job.disk, files.disk, options);
  if (isRoot) await letNobodyThrough(draft);
  await using directory = await openDirectory(draft);
  let theirDirectory = 0;
  await using machine = await startVm(spec, options, (firstFd) => {
    theirDirectory = firstFd;
    return emptyHanded(spec, directory.fd, options.idle);
  });
  await machine.watch('vm-start', options.prepare(machine.agent));
  const state = await within(machine.watch('vm-start', saveState(machine.qmp, directory.fd, theirDirectory)), {
    ...{ ms: saveWithinMs, signal: options.signal, late: () => cannotKeep('QEMU did not save its state', []) },
  });
  await copySparsely(`/proc/${machine.pid}/fd/${memoryFd}`, files.ram, options.signal);
  const boots = boot.kind === 'direct' ? boot.kernel : (job.disk?.path ?? '');
  return { vcpus, ram, accelerator, boots, withDisk, state };
}

function emptyHanded(spec: VmSpec, directory: number, idle: boolean): MachineStart {
  const args = templateLine(qemuArguments(spec, qemuDescriptors), ownMemory);
  const plain = { program: qemuProgram, args };
  const last = idle ? { program: 'chrt', args: ['--idle', '0', plain.program, ...plain.args] } : plain;
  const own = withOwnMemory(last, { bytes: spec.ram });
  const start = isRoot ? asNobody(own) : own;
  return { ...start, descriptors: [directory], run: async () => {}, wake: async () => {} };
}

const isRoot = process.getuid?.() === 0;
/** The user and the group without any rights. */
const NOBODY = 65534;

/**
 * The machine of root's maker connects to a socket in the draft. Whoever else could, would be the first to do so, and his would be the state with which
 * the guests of all users start.
 */
async function letNobodyThrough(draft: string): Promise<void> {
  await chown(draft, 0, NOBODY);
  await chmod(draft, 0o710);
}

/** Root runs no machine. */
function asNobody({ program, args }: { program: string; args: string[] }): { program: string; args: string[] } {
  const nobody = [`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--'];
  // A change of user resets the parent-death signal, so it is set once more behind it.
  return { program: 'setpriv', args: [...nobody, ...boundToUs([program, ...args])] };
}

async function makeOverlay({ path, format }: RootDisk, overlay: string, { env }: MakeOptions): Promise<void> {
  const argv: Argv = ['qemu-img', 'create', '-q', '-f', 'qcow2', '-F', format, '-b', path, overlay];
  await runTool(argv, { env, withinMs: overlayWithinMs });
}

/** Pages that hold only zeros become holes, too. */
async function copySparsely(from: string, to: string, signal: AbortSignal | undefined): Promise<void> {
  const copy = await run(['cp', '--sparse=always', '--', from, to], { withinMs: copyWithinMs, signal });
  if (copy.code === 0) return;
  throw cannotKeep(`its memory could not be written to "${to}"`, [`cp ended with ${copy.ending}`, ...copy.said]);
}

async function checkRoom(store: string, wanted: number): Promise<void> {
  const { bavail, bsize } = await statfs(store);
  if (bavail * bsize < wanted) throw cannotKeep(`no room in "${store}"`, []);
}

function cannotKeep(state: string, details: readonly string[]): VtorqueError {
  return new VtorqueError('E_TEMPLATE', `Cannot keep a template: ${state}`, { phase: 'vm-start', details });
}

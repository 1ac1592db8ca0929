import { type Env, VtorqueError } from '../../base/index.ts';
import { currentDirectory } from '../../engine/directories.ts';
import { nodeSettings, usualSettings } from '../../node/guest/node-settings.ts';
import { type MachinePreview, previewMachine } from '../../node/guest/preview.ts';
import { availableKeys, describeOrigin, type Origin, type VmRequest } from '../../request/index.ts';
import { placesToRead } from '../../site/index.ts';
import { errorAsData } from '../render-error.ts';
import type { PreparedJob } from './prepare.ts';

/** One value that holds, and why. */
export interface ExplainedValue {
  readonly key: string;
  /** As it would be written behind `key=`; null when there is none. */
  readonly value: string | null;
  readonly origin: Origin | { readonly kind: 'built in' };
  /** The origin in words. */
  readonly from: string;
}

/** Everything that vsub would do, and why: the form of `--explain --json`, in docs/schema/explain.schema.json. */
export interface Explanation {
  readonly version: 1;
  /** Without a request for a VM vsub is qsub. */
  readonly vm: boolean;
  readonly values: readonly ExplainedValue[];
  readonly request: VmRequest | null;
  readonly warnings: readonly string[];
  readonly batch: {
    readonly system: string | null;
    readonly qsub: string | null;
    readonly queue: string | null;
    /** On each are the VMs that `request` says. */
    readonly nodes: number | null;
    readonly added: readonly {
      readonly words: readonly string[];
      readonly reason: string;
      readonly replaces?: string;
    }[];
    readonly argv: readonly string[];
  };
  readonly config: string | null;
  /** What the launcher would start if this machine were the node. */
  readonly machine: ExplainedMachine | { readonly problem: Record<string, unknown> } | null;
  readonly dryRun?: { readonly directory: string; readonly files: readonly string[] };
}

export interface ExplainedMachine {
  readonly guest: {
    readonly name: string;
    readonly kind: string;
    readonly kernel: string | null;
    readonly disk: string | null;
  };
  readonly accelerator: { readonly name: string; readonly reason: string };
  readonly shares: {
    readonly transport: string;
    readonly reason: string;
    readonly folders: readonly {
      readonly source: string;
      readonly targets: readonly string[];
      readonly readonly: boolean;
    }[];
  };
  readonly placement: string;
  readonly qemu: readonly string[];
}

export interface Explained {
  readonly explanation: Explanation;
  readonly preview: MachinePreview | undefined;
}

/** Explain a job in a VM. What cannot be told on this machine is said, and no reason to fail. */
export async function explainVmJob(job: PreparedJob, env: Env): Promise<Explained> {
  const { request, engine, queue, nodes, added, argv, warnings } = job;
  const { preview, machine } = await explainMachine(job, env);
  const explanation: Explanation = {
    ...{ version: 1, vm: true, values: explainValues(job), request, warnings, machine },
    batch: {
      ...{ system: engine?.name ?? null, qsub: engine?.qsub ?? null, queue: queue ?? null, nodes },
      added: added.map(({ words, reason, replaces }) => ({
        ...{ words, reason },
        ...(replaces === undefined ? {} : { replaces }),
      })),
      argv,
    },
    config: job.config?.file ?? null,
  };
  return { explanation, preview };
}

/** Explain a job without a VM: qsub with the same words. */
export function explainPlainJob(engine: PreparedJob['engine'], argv: readonly string[]): Explanation {
  const batch = { system: engine?.name ?? null, qsub: engine?.qsub ?? null, queue: null, nodes: null, added: [], argv };
  return { version: 1, vm: false, values: [], request: null, warnings: [], batch, config: null, machine: null };
}

function explainValues({ settings, fallbacks, request }: PreparedJob): ExplainedValue[] {
  const given = settings.map(({ key, text, origin }) => ({ key, value: text, origin, from: describeOrigin(origin) }));
  const others = availableKeys
    .filter(({ name }) => !given.some(({ key }) => key === name))
    .map(({ name, default: usual }): ExplainedValue => {
      const value = name === 'vcpus' ? String(request.vcpus) : /^none$| /.test(usual) ? null : usual;
      const from = fallbacks[name] ?? (value === null ? usual : 'built in');
      return { key: name, value, origin: { kind: 'built in' }, from };
    });
  const order = availableKeys.map(({ name }) => name);
  const rank = ({ key }: ExplainedValue): number => (order.indexOf(key) + order.length + 1) % (order.length + 1);
  return [...given, ...others].sort((a, b) => rank(a) - rank(b));
}

async function explainMachine(
  { request, slots, config }: PreparedJob,
  env: Env,
): Promise<{ preview: MachinePreview | undefined; machine: Explanation['machine'] }> {
  const uid = process.getuid?.() ?? 0;
  try {
    const preview = await previewMachine({
      ...{ request, slots, env, uid, gid: process.getgid?.() ?? 0 },
      places: placesToRead(env, uid),
      directories: [env.HOME, currentDirectory()],
      settings: config === undefined ? usualSettings : await nodeSettings(env, uid, ''),
    });
    return { preview, machine: asData(preview) };
  } catch (error) {
    // The nodes may have what this machine has not.
    if (!(error instanceof VtorqueError)) throw error;
    return { preview: undefined, machine: { problem: errorAsData(error) } };
  }
}

function asData({ guest, accelerator, transport, shares, placement, qemu }: MachinePreview): ExplainedMachine {
  return {
    guest: {
      ...{ name: guest.name, kind: guest.kind },
      kernel: guest.kind === 'cloud' ? null : guest.kernelRelease,
      disk: guest.kind === 'host' ? null : guest.disk.path,
    },
    accelerator: { name: accelerator.accelerator, reason: accelerator.reason },
    shares: { transport: transport.transport, reason: transport.reason, folders: shares },
    placement,
    qemu,
  };
}

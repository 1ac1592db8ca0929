import { parseSize } from '../base/index.ts';
import type { DiskRequest } from './disk-value.ts';
import type { HookRequest, MountRequest, PinningRequest, VariableRequest } from './further-values.ts';
import { findKey } from './keys.ts';
import { precedence } from './origin.ts';
import type { VmSetting } from './parse.ts';

/** What VM a job asks for, complete. What is not there was not asked for. */
export interface VmRequest {
  readonly img: string;
  readonly vcpus: number;
  /** Bytes. */
  readonly ram: number;
  /** What the guest must be, else the job is refused. */
  readonly distro?: string;
  /** Processor model, by its name in QEMU. */
  readonly cpu?: string;
  /** `user`: the network of the job, and outbound connections; `job`: without these; `bridge`: the site's own. */
  readonly net?: 'user' | 'job' | 'none' | 'bridge';
  /** Variables for the script. */
  readonly env?: Readonly<Record<string, string>>;
  readonly mounts?: readonly MountRequest[];
  /** Minutes for which the VM may stay after the script. */
  readonly keep?: number;
  /** The user's own kernel, a file of the node; absolute once the job is submitted. */
  readonly kernel?: string;
  /** Whether the owner can log in to the VMs; so it is unless told otherwise. */
  readonly ssh?: boolean;
  /** Whether the VM may start as a clone of a booted guest. */
  readonly warm?: 'auto' | 'off';
  /** One without it. */
  readonly vmsPerNode?: number;
  /** Not there: as `auto` where the job has cores of its own. */
  readonly vcpuPinning?: PinningRequest;
  /** Memory from huge pages. */
  readonly hugePages?: boolean;
  readonly vmPrologue?: HookRequest;
  readonly vmEpilogue?: HookRequest;
  /** A further disk of the first VM; the file absolute once the job is submitted. */
  readonly disk?: DiskRequest;
  /** Where what VMs change of their image is kept. */
  readonly fsType?: 'sharedfs' | 'ramdisk';
}

/** What stands in for keys that nobody asked for. */
export interface RequestDefaults {
  /** Slots that the job asks for on its node: each is a virtual CPU of one of its VMs. */
  readonly ppn?: number | undefined;
}

/** Only what was asked for. */
export type PartialRequest = Partial<VmRequest>;

/**
 * The settings that count: of each key the one from the strongest source, and within one source the last. Of `env` and
 * `mount` that holds for each variable and each folder.
 * @param settings in any order of sources, but within one source in the order in which they stand
 */
export function effectiveSettings(settings: readonly VmSetting[]): VmSetting[] {
  const strength = ({ origin }: VmSetting): number => precedence.indexOf(origin.kind);
  const weakestFirst = settings.toSorted((a, b) => strength(a) - strength(b));
  return [...new Map(weakestFirst.map((setting) => [identity(setting), setting])).values()];
}

function identity({ key, value }: VmSetting): string {
  const several = findKey(key)?.several as ((value: unknown) => string) | undefined;
  return several === undefined ? key : `${key} ${several(value)}`;
}

/** Merge settings into one request, by `effectiveSettings`. */
export function mergeSettings(settings: readonly VmSetting[]): PartialRequest {
  const effective = effectiveSettings(settings);
  const variables = effective.filter(({ key }) => key === 'env').map(({ value }) => value as VariableRequest);
  const mounts = effective.filter(({ key }) => key === 'mount').map(({ value }) => value as MountRequest);
  const single = effective.flatMap(({ key, value }) => (Object.hasOwn(fields, key) ? [[fields[key], value]] : []));
  return {
    ...Object.fromEntries(single),
    ...(variables.length === 0 ? {} : { env: Object.fromEntries(variables.map(({ name, value }) => [name, value])) }),
    ...(mounts.length === 0 ? {} : { mounts }),
  };
}

/** Keys that stand for one field of the request. */
const fields: Readonly<Record<string, Exclude<keyof VmRequest, 'env' | 'mounts'>>> = {
  img: 'img',
  distro: 'distro',
  vcpus: 'vcpus',
  ram: 'ram',
  cpu: 'cpu',
  net: 'net',
  keep: 'keep',
  kernel: 'kernel',
  ssh: 'ssh',
  warm: 'warm',
  vms_per_node: 'vmsPerNode',
  vcpu_pinning: 'vcpuPinning',
  hugepages: 'hugePages',
  vm_prologue: 'vmPrologue',
  vm_epilogue: 'vmEpilogue',
  disk: 'disk',
  fs_type: 'fsType',
};

/** Fill in what is not asked for. */
export function completeRequest(asked: PartialRequest, { ppn = 1 }: RequestDefaults = {}): VmRequest {
  const vcpus = Math.max(1, Math.floor(ppn / (asked.vmsPerNode ?? 1)));
  return { img: 'host', vcpus, ram: parseSize('1G'), ...asked };
}

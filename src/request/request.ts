import { parseSize } from '../base/index.ts';
import type { MountRequest, VariableRequest } from './further-values.ts';
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
  readonly net?: 'user' | 'none';
  /** Variables for the script. */
  readonly env?: Readonly<Record<string, string>>;
  readonly mounts?: readonly MountRequest[];
  /** Minutes for which the VM may stay after the script. */
  readonly keep?: number;
  /** The user's own kernel, a file of the node; absolute once the job is submitted. */
  readonly kernel?: string;
}

/** What stands in for keys that nobody asked for. */
export interface RequestDefaults {
  /** Slots that the job asks for on its node: each gets a virtual CPU. */
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
  const single = effective.filter(({ key }) => key in singleKeys).map(({ key, value }) => [key, value]);
  return {
    ...Object.fromEntries(single),
    ...(variables.length === 0 ? {} : { env: Object.fromEntries(variables.map(({ name, value }) => [name, value])) }),
    ...(mounts.length === 0 ? {} : { mounts }),
  };
}

/** Those of the request's fields that bear the name of their key. */
const singleKeys: Readonly<Record<Exclude<keyof VmRequest, 'env' | 'mounts'>, true>> = {
  img: true,
  distro: true,
  vcpus: true,
  ram: true,
  cpu: true,
  net: true,
  keep: true,
  kernel: true,
};

/** Fill in what is not asked for. */
export function completeRequest(asked: PartialRequest, { ppn = 1 }: RequestDefaults = {}): VmRequest {
  return { img: 'host', vcpus: ppn, ram: parseSize('1G'), ...asked };
}

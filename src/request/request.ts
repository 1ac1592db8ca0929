import { parseSize } from '../base/index.ts';
import type { VmSetting } from './parse.ts';

/** What VM a job asks for, complete. */
export interface VmRequest {
  readonly img: string;
  readonly vcpus: number;
  /** Bytes. */
  readonly ram: number;
}

/** What stands in for keys that nobody asked for. */
export interface RequestDefaults {
  /** Slots that the job asks for on its node: each gets a virtual CPU. */
  readonly ppn?: number | undefined;
}

/** Only what was asked for. */
export type PartialRequest = Partial<VmRequest>;

/**
 * Merge settings into one request, key by key.
 * @param settings the strongest last: those of the script before those of the command line
 */
export function mergeSettings(settings: readonly VmSetting[]): PartialRequest {
  return Object.fromEntries(settings.map(({ key, value }) => [key, value]));
}

/** Fill in what is not asked for. */
export function completeRequest(asked: PartialRequest, { ppn = 1 }: RequestDefaults = {}): VmRequest {
  return { img: 'host', vcpus: ppn, ram: parseSize('1G'), ...asked };
}

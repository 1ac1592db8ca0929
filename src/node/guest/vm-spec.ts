import type { GuestSystem } from '../../image/index.ts';
import type { PlannedVm } from '../../plan/index.ts';
import type { VmRequest } from '../../request/index.ts';
import type { Accelerator, ShareDevice, VmSpec } from '../../vm/index.ts';
import { guestKind } from './kinds/index.ts';

export interface MachineParts {
  readonly vm: PlannedVm;
  readonly request: VmRequest;
  readonly guest: GuestSystem;
  readonly shares: readonly ShareDevice[];
  readonly accelerator: Accelerator;
}

/** The machine of a job, from all that was decided about it. Pure. */
export function vmSpecOf({ vm, request, guest, shares, accelerator }: MachineParts): VmSpec {
  const { name, vcpus, ram } = vm;
  const machine = guestKind(guest).machine;
  const { cpu, net = 'user' } = request;
  const common = {
    ...{ name, vcpus, ram, accelerator, network: net },
    ...(cpu === undefined ? {} : { cpu }),
  } as const;
  return { ...common, ...machine, shares: [...machine.shares, ...shares] };
}

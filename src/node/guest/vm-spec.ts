import type { GuestSystem } from '../../image/index.ts';
import type { PlannedVm } from '../../plan/index.ts';
import type { VmRequest } from '../../request/index.ts';
import type { Accelerator, NetworkDevice, ShareDevice, VmPlacement, VmSpec } from '../../vm/index.ts';
import type { VmDisks } from './disks.ts';
import { guestKind } from './kinds/index.ts';

export interface MachineParts {
  readonly vm: PlannedVm;
  readonly request: VmRequest;
  readonly guest: GuestSystem;
  readonly network: NetworkDevice | undefined;
  readonly shares: readonly ShareDevice[];
  readonly disks: Pick<VmDisks, 'overlay' | 'data'>;
  readonly accelerator: Accelerator;
  readonly placement?: VmPlacement | undefined;
}

/** The machine of a job, from all that was decided about it. Pure. */
export function vmSpecOf({ vm, request, guest, network, shares, disks, accelerator, placement }: MachineParts): VmSpec {
  const { name, vcpus, ram } = vm;
  const machine = guestKind(guest).machine;
  const { cpu } = request;
  const common = {
    ...{ name, vcpus, ram, accelerator, network },
    ...(cpu === undefined ? {} : { cpu }),
    ...(placement === undefined ? {} : { placement }),
  } as const;
  const { overlay, data } = disks;
  return {
    ...common,
    ...machine,
    ...(machine.disk === undefined || overlay === undefined ? {} : { disk: { ...machine.disk, overlay } }),
    ...(data === undefined ? {} : { data }),
    shares: [...machine.shares, ...shares],
  };
}

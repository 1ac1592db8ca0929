import type { GuestSystem } from '../../../image/index.ts';
import { cloudGuest } from './cloud.ts';
import { hostGuest } from './host.ts';
import { imageGuest } from './image.ts';
import type { GuestKind } from './kind.ts';

export { deviceWaitMs, type GuestKind, jobDirectory, MS } from './kind.ts';

/** How to start this guest and make it the job's own. */
export function guestKind(guest: GuestSystem): GuestKind {
  switch (guest.kind) {
    case 'host':
      return hostGuest(guest);
    case 'disk':
      return imageGuest(guest);
    case 'cloud':
      return cloudGuest(guest);
  }
}

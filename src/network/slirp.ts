import type { GuestNetwork } from './plan.ts';

/**
 * The network that QEMU's own stack (libslirp) offers a guest: outbound connections with the rights of the user who
 * runs QEMU, nothing inbound. The addresses are its defaults; guests know their one interface by QEMU's default for that.
 */
export const slirpNetwork: GuestNetwork = {
  mac: '52:54:00:12:34:56',
  address: '10.0.2.15/24',
  outside: { gateway: '10.0.2.2', dns: '10.0.2.3' },
};

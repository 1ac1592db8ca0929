/**
 * The network that QEMU's own stack (libslirp) offers a guest: outbound connections with the rights of the user who
 * runs QEMU, nothing inbound. The addresses are its defaults.
 */
export const slirpAddresses = { address: '10.0.2.15/24', gateway: '10.0.2.2', dns: '10.0.2.3' } as const;

/**
 * Both sides prove that they know the key, and what was recorded is of no use to who learns it later (ECDHE). Version 1.2,
 * because Node has no pre-shared keys in 1.3.
 */
export const linkTls = {
  ciphers: 'ECDHE-PSK-CHACHA20-POLY1305',
  minVersion: 'TLSv1.2',
  maxVersion: 'TLSv1.2',
} as const;

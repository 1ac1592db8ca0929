import { open } from 'node:fs/promises';

/** QEMU 7.2 aborts when it is to use vhost-net and cannot. */
export async function vhostOpens(): Promise<boolean> {
  return open('/dev/vhost-net', 'r+').then(
    async (file) => {
      await file.close();
      return true;
    },
    () => false,
  );
}

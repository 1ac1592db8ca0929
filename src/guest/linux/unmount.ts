import type { GuestAgent } from './agent.ts';

const flags = { detach: 2, readOnly: 1, remount: 32 } as const;
/** The agent's own port and its view of the kernel stay to the end. */
const kept = /^\/(?:proc|sys|dev)?$|^\/(?:proc|sys|dev)\//;

/** Unmount what can be in a guest whose programs have ended, the last first, and make its root read-only. */
export async function unmountAll(agent: GuestAgent): Promise<void> {
  const mounts = mountPoints((await agent.readFile('/proc/self/mounts')).toString('latin1'));
  const busy: string[] = [];
  const ours = mounts.filter((path) => !kept.test(path)).reverse();
  await Promise.all(ours.map((path) => agent.umount(path).catch(() => busy.push(path))));
  await Promise.all(busy.map((path) => agent.umount(path, flags.detach).catch(() => {})));
  const root = { source: 'none', target: '/', type: '', flags: flags.remount | flags.readOnly, options: '', waitMs: 0 };
  // A root that cannot be made read-only has been written back before.
  await agent.mount(root).catch(() => {});
}

/** The mount points of a text like /proc/self/mounts, in the order of their mounting. */
export function mountPoints(text: string): string[] {
  const paths = text.split('\n').map((line) => line.split(' ')[1] ?? '');
  const octal = (path: string): string =>
    path.replaceAll(/\\([0-7]{3})/g, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 8)));
  return paths.filter((path) => path !== '').map((path) => Buffer.from(octal(path), 'latin1').toString());
}

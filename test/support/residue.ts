import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';

/** What a job might leave on a machine. Each entry is one line that a person can act on. */
export type Residue = ReadonlySet<string>;

/** Words, or two in a row, on the command lines of a job's processes, and of no others. */
const ofJobs =
  /^(guest=v\S+-\d+,debug-threads=on|--fd=3|\S*\/start\.cjs launch|\S*\/build\/bin\/(shepherd|jobnet)|--disable-host-loopback)$/;

/** Look at the machine: processes, temporary files, sockets, mounts and network devices. */
export async function lookForResidue(): Promise<Residue> {
  const [processes, files, mounts, devices] = await Promise.all([
    jobProcesses(),
    temporaryFiles(),
    readFile('/proc/self/mountinfo', 'utf8'),
    readdir('/sys/class/net'),
  ]);
  return new Set([
    ...processes,
    ...files,
    ...mounts.split('\n').flatMap((line) => (line === '' ? [] : [`mount ${line.split(' ')[4]}`])),
    ...devices.map((name) => `network device ${name}`),
  ]);
}

/**
 * Wait until nothing is there that was not there before; what job ends clean up themselves may take a moment.
 * @param withinMs how long that moment may be at most
 */
export async function expectNoResidue(before: Residue, withinMs = 5_000): Promise<void> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const left = [...(await lookForResidue())].filter((line) => !before.has(line));
    if (left.length === 0) return;
    if (Date.now() > deadline) assert.fail(`left behind:\n${left.join('\n')}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

async function jobProcesses(): Promise<string[]> {
  const found: string[] = [];
  for (const pid of await readdir('/proc')) {
    if (!/^\d+$/.test(pid)) continue;
    // A process may end while we look at it.
    const args = (await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')).split('\0');
    if (args.some((arg, at) => ofJobs.test(arg) || ofJobs.test(`${arg} ${args[at + 1]}`))) {
      found.push(`process ${pid}: ${args.join(' ').slice(0, 120)}`);
    }
  }
  return found;
}

async function temporaryFiles(): Promise<string[]> {
  const places = ['/tmp', '/var/tmp', '/dev/shm', '/run'];
  const names = await Promise.all(
    places.map(async (place) => (await readdir(place)).map((name) => `${place}/${name}`)),
  );
  return names
    .flat()
    .filter((path) => /\/(vtorque|vl\.|qemu)/.test(path))
    .map((path) => `file ${path}`);
}

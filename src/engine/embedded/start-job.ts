import { chmod, chown, copyFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { basename, join } from 'node:path';
import { shellWord } from '../../base/index.ts';
import { formatNodeFile, parseMem, parseWalltime } from '../../pbs/index.ts';
import { type Account, jobEnvironment } from './environment.ts';
import { hookFacts } from './hook-facts.ts';
import { type Job, resourceOf, type Submission } from './job.ts';
import { hostSlots } from './nodes.ts';
import { filePrefixOf, outputsOf, spoolName } from './outputs.ts';
import type { InstancePlaces } from './places.ts';
import { encodeSpec } from './shepherd-link.ts';

/** Between TERM and KILL, unless -K or qdel -W says otherwise. */
export const KILL_DELAY_S = 3;

/** The files of one run of a job. */
export interface JobFiles {
  /** The script that runs: the job's copy, which its owner may read and even change. */
  readonly script: string;
  readonly nodeFile: string;
  /** The X authority file of a job with a display. */
  readonly authority: string;
  readonly tmpdir: string;
  readonly runDir: string;
}

export function filesOf(job: Job, places: InstancePlaces): JobFiles {
  const prefix = filePrefixOf(job);
  return {
    script: join(places.jobs, `${prefix}.SC`),
    nodeFile: join(places.aux, job.id),
    authority: join(places.jobs, `${prefix}.Xauthority`),
    tmpdir: join(places.tmp, job.id),
    runDir: join(places.run, `${prefix}.${job.attempt}`),
  };
}

/** The script of a submission as it came. */
export function submittedScript(job: Pick<Job, 'sequence'>, places: InstancePlaces): string {
  return join(places.scripts, String(job.sequence));
}

/**
 * Put in place what a job needs on its node. All directories are ours, so no user can have put anything in the way.
 * @param authority the content of the job's X authority file
 */
export async function placeFiles(
  job: Job,
  account: Account,
  places: InstancePlaces,
  authority?: Uint8Array,
): Promise<void> {
  const files = filesOf(job, places);
  const { script, nodeFile } = files;
  const give = async (path: string): Promise<void> => {
    if (process.getuid?.() === 0) await chown(path, account.uid, account.gid);
  };
  await rm(script, { force: true });
  await rm(files.authority, { force: true });
  if (authority !== undefined) {
    await writeFile(files.authority, authority, { mode: 0o600, flag: 'wx' });
    await give(files.authority);
  }
  if (!job.submission.interactive) {
    await copyFile(submittedScript(job, places), script);
    await chmod(script, 0o700);
    await give(script);
  }
  await writeFile(nodeFile, formatNodeFile(hostSlots(job.allocation ?? [])), { mode: 0o644 });
  await chmod(nodeFile, 0o644);
}

export async function removeFiles(job: Job, places: InstancePlaces): Promise<void> {
  const { script, nodeFile, authority } = filesOf(job, places);
  for (const file of [script, nodeFile, authority]) await rm(file, { force: true });
}

/** What the job's shepherd has to know. */
export function specOf(
  job: Job,
  account: Account,
  places: InstancePlaces,
  { version, prologAlarmS }: { readonly version: string; readonly prologAlarmS: number },
): Buffer {
  const { submission } = job;
  const files = filesOf(job, places);
  const shell = submission.shell ?? account.shell;
  const umask = Number.parseInt(submission.umask ?? '77', 8);
  const env = jobEnvironment(job, account, {
    dir: places.dir,
    aux: places.aux,
    ...files,
    shell,
    hostName: hostname(),
    version,
  });
  return encodeSpec([
    ['uid', String(account.uid)],
    ['gid', String(account.gid)],
    ...account.groups.map((group) => ['group', String(group)] as const),
    ['shell', shell],
    ['argv0', `-${basename(shell)}`],
    ['cwd', submission.initDir ?? account.home],
    // As in Torque the shell reads the script's path as a command, and splits the arguments by its own rules.
    ['input', `${shellWord(files.script)}${submission.args === undefined ? '' : ` ${submission.args}`}\n`],
    ...terminalOf(submission),
    ['cookie', job.cookie],
    ['tmpdir', files.tmpdir],
    ['undelivered', places.undelivered],
    ['output_mode', (0o666 & ~umask).toString(8)],
    ['walltime_s', String(parseWalltime(resourceOf(job, 'walltime') ?? '0'))],
    ['kill_delay_ms', String((submission.killDelay ?? KILL_DELAY_S) * 1000)],
    ['mem_kb', String(Math.ceil(parseMem(resourceOf(job, 'mem') ?? '0') / 1024))],
    ...Object.entries(outputsOf(job)).flatMap(([stream, { to, name, suffix, direct }]) => [
      [`${stream}.to`, to] as const,
      [`${stream}.name`, name] as const,
      [`${stream}.suffix`, suffix] as const,
      ...(direct ? [] : [[`${stream}.spool`, join(places.spool, spoolName(job, stream as 'out' | 'err'))] as const]),
    ]),
    ...[...env].map(([name, value]) => ['env', `${name}=${value}`] as const),
    ...hookFacts(job, account, {
      instance: places.dir,
      dir: places.momPriv,
      nodeFile: env.get('PBS_NODEFILE') ?? files.nodeFile,
      script: submission.interactive ? '' : files.script,
      alarmS: prologAlarmS,
    }),
  ]);
}

/** As where nobody knows better. */
const COLUMNS = 80;
const ROWS = 24;

function terminalOf({ interactive, command, columns = COLUMNS, rows = ROWS }: Submission): [string, string][] {
  if (!interactive) return [];
  const size: [string, string] = ['terminal', `${columns} ${rows}`];
  return command === undefined ? [size] : [size, ['command', command]];
}

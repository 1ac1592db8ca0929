import { join } from 'node:path';
import { filePrefix } from '../../pbs/index.ts';
import { asParts, type Job } from './job.ts';

/** Where one stream of a job goes. */
export interface Output {
  /** A file, or a directory that then gets `name`. */
  readonly to: string;
  readonly name: string;
  /** Added to `to` when that is a file: arrays write a file per element. */
  readonly suffix: string;
  /** Written straight to `to` while the job runs (qsub -k), not spooled. */
  readonly direct: boolean;
}

export type Stream = 'out' | 'err';

/** The streams of a job that have a file of their own: not a joined one, and none at a terminal. */
export function outputsOf(job: Job): Partial<Record<Stream, Output>> {
  if (job.submission.interactive) return {};
  const { join: joined } = job.submission;
  return {
    ...(joined === 'eo' ? {} : { out: outputOf(job, 'out') }),
    ...(joined === 'oe' ? {} : { err: outputOf(job, 'err') }),
  };
}

/** Where the stream goes, or would if it were not joined. */
export function outputOf(job: Job, stream: Stream): Output {
  const { submission } = job;
  const suffix = typeof job.element === 'number' ? `-${job.element}` : '';
  const base = submission.name.replace(/^.*\//s, '');
  const name = `${base}.${stream === 'out' ? 'o' : 'e'}${job.sequence}${suffix}`;
  if (submission.keep.includes(stream === 'out' ? 'o' : 'e')) {
    return { to: join(job.owner.home, name), name, suffix: '', direct: true };
  }
  const asked = stream === 'out' ? submission.output : submission.error;
  const expanded = asked === undefined ? undefined : expand(asked, job);
  const to = expanded ?? join(submission.initDir ?? submission.workDir, name);
  // Whoever names the elements apart himself gets the name he wrote.
  return { to, name, suffix: asked === undefined || expanded !== asked ? '' : suffix, direct: false };
}

/** The path that qstat shows. */
export function shownPath({ to, name, suffix }: Output): string {
  return to.endsWith('/') ? `${to}${name}` : `${to}${suffix}`;
}

/** The file in the spool: `121-1.head.OU`. */
export function spoolName(job: Job, stream: Stream): string {
  return `${filePrefixOf(job)}.${stream === 'out' ? 'OU' : 'ER'}`;
}

export function filePrefixOf(job: Pick<Job, 'id' | 'sequence' | 'element'>): string {
  return filePrefix(asParts(job.sequence, job.element, job.id.slice(job.id.indexOf('.') + 1)));
}

/** `$PBS_JOBID` and the job's other variables in a path of -o or -e. Unknown ones stay as they are. */
function expand(path: string, job: Job): string {
  const own = new Map<string, string>([
    ...job.submission.variables,
    ['HOME', job.owner.home],
    ['USER', job.owner.name],
    ['PBS_JOBID', job.id],
    ['PBS_JOBNAME', job.submission.name],
    ['PBS_QUEUE', job.submission.queue],
    ...(typeof job.element === 'number' ? [['PBS_ARRAYID', String(job.element)] as const] : []),
  ]);
  return path.replace(
    /\$(?:\{(\w+)\}|(\w+))/g,
    (all, braced?: string, bare?: string) => own.get(braced ?? bare ?? '') ?? all,
  );
}

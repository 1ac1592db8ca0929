import { formatDepend } from './depend.ts';
import { holdsOf, isArray, type Job, nameOf } from './job.ts';
import { formatExecHost } from './nodes.ts';
import { outputOf, shownPath } from './outputs.ts';
import type { JobView } from './protocol.ts';

export interface ViewOptions {
  readonly full: boolean;
  /** May the viewer see what the owner may? */
  readonly trusted: boolean;
}

/** A job as it is told to a client. Paths carry no host: the client adds it. */
export function viewOf(job: Job, { full, trusted }: ViewOptions): JobView {
  const { submission } = job;
  return {
    id: job.id,
    sequence: job.sequence,
    ...given('element', job.element),
    name: nameOf(job),
    owner: job.owner.name,
    group: job.owner.group,
    queue: submission.queue,
    state: job.state,
    mine: trusted,
    resources: submission.resources,
    ctime: job.ctime,
    qtime: job.qtime,
    mtime: job.mtime,
    ...given('etime', job.etime),
    ...given('startTime', job.startTime),
    ...given('endTime', job.endTime),
    ...given('depend', job.depend?.length ? formatDepend(job.depend) : undefined),
    holds: holdsOf(job),
    startCount: isArray(job) ? 0 : job.attempt,
    ...given('session', job.session),
    ...given('exitStatus', job.exitStatus),
    ...given('used', job.used),
    ...given('execHost', job.allocation === undefined ? undefined : formatExecHost(job.allocation)),
    ...given('comment', job.comment),
    outputPath: shownPath(outputOf(job, 'out')),
    errorPath: shownPath(outputOf(job, 'err')),
    submitHost: submission.submitHost,
    ...given('details', full ? detailsOf(job, trusted) : undefined),
  };
}

function detailsOf(job: Job, trusted: boolean): NonNullable<JobView['details']> {
  const { submission } = job;
  const variables: (readonly [string, string])[] = [
    ...(typeof job.element === 'number' ? [['PBS_ARRAYID', String(job.element)] as const] : []),
    ...submission.variables,
  ];
  return {
    join: submission.join,
    keep: submission.keep,
    rerunable: submission.rerunable,
    ...given('account', submission.account),
    ...given('shell', submission.shell),
    ...given('args', trusted ? submission.args : undefined),
    ...given('killDelay', submission.killDelay),
    ...given('arrayRequest', arrayRequest(job)),
    initDir: submission.initDir ?? submission.workDir,
    ...(trusted ? { variables, submitArgs: submission.submitArgs } : {}),
  };
}

/** As it was given, with the limit that it has now. */
function arrayRequest({ submission, slotLimit }: Job): string | undefined {
  const ranges = submission.array?.replace(/%.*/, '');
  return slotLimit === undefined ? ranges : `${ranges}%${slotLimit}`;
}

/** An optional property: left out when there is no value. */
function given<K extends string, V>(name: K, value: V | undefined): { [P in K]?: V } {
  return value === undefined ? {} : ({ [name]: value } as { [P in K]?: V });
}

import { parseMem } from '../../pbs/index.ts';
import type { BatchNode, JobStatus } from '../engine.ts';
import type { PbsDialect } from '../pbs/commands.ts';
import { jobStatusOf } from '../pbs/job-status.ts';

/** OpenPBS, as observed of 23.06. */
export const openpbsDialect: PbsDialect = {
  name: 'openpbs',
  // -x: also those that have ended, where the site keeps a history.
  statusArgs: (ids) => ['-x', '-t', '-f', '-F', 'json', ...ids],
  historyOption: '-x',
  readStatus: (stdout) => Object.entries(rowsOf(stdout, 'Jobs')).map(([id, job]) => statusOf(id, job)),
  nodesArgs: ['-a', '-v', '-F', 'json'],
  readNodes: (stdout) => {
    const nodes = Object.entries(rowsOf(stdout, 'nodes')).flatMap(([name, node]) => nodeOf(name, node));
    return nodes.length > 0 ? nodes : undefined;
  },
  queuesArgs: ['-Q', '-f', '-F', 'json'],
  readQueues: (stdout) =>
    Object.entries(rowsOf(stdout, 'Queue')).flatMap(([name, queue]) => (queue.enabled === 'True' ? [name] : [])),
};

type Row = Readonly<Record<string, unknown>>;

/** That a server has answered is seen by its name; of no jobs there is no list. */
function rowsOf(stdout: string, list: string): Readonly<Record<string, Row>> {
  const answer: unknown = JSON.parse(stdout);
  if (!isRow(answer) || typeof answer.pbs_server !== 'string') throw new Error('no server has answered');
  const rows = answer[list] ?? {};
  if (!isRow(rows) || !Object.values(rows).every(isRow)) throw new Error(`"${list}" is no list`);
  return rows as Readonly<Record<string, Row>>;
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function statusOf(id: string, job: Row): JobStatus {
  return jobStatusOf({
    id,
    name: word(job.Job_Name),
    owner: word(job.Job_Owner),
    queue: word(job.queue),
    state: word(job.job_state),
    execHost: word(job.exec_host),
    exitStatus: word(job.Exit_status),
  });
}

/** What looks like a number is one there: a job may be called 5. */
function word(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function nodeOf(name: string, { state, resources_available: has }: Row): BatchNode[] {
  const { mem, ncpus } = isRow(has) ? has : {};
  const np = Number(ncpus);
  if (typeof mem !== 'string' || !Number.isSafeInteger(np)) return [];
  return [{ name, np, memory: parseMem(mem), state: word(state) ?? '' }];
}

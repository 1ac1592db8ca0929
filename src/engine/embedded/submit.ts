import { randomBytes } from 'node:crypto';
import { VtorqueError } from '../../base/index.ts';
import {
  formatWalltime,
  nodeCount,
  normaliseMem,
  parseArray,
  parseMem,
  parseNodes,
  parseWalltime,
} from '../../pbs/index.ts';
import { type Job, jobId, type Owner, type Submission } from './job.ts';
import { checkLimits, queueFor } from './limits.ts';
import { allocate, type VirtualNode } from './nodes.ts';
import { PBSE, PbsError } from './protocol.ts';
import type { Queue } from './settings.ts';

const MAX_ELEMENTS = 10_000;
const MAX_VARIABLES = 8000;
/** The arguments reach the shell through a pipe, all at once. */
const MAX_ARGS = 32_000;

/** Resources that have an effect here. */
const EFFECTIVE = new Set(['nodes', 'walltime', 'mem', 'nodect', 'neednodes', 'prologue', 'epilogue']);
/** Free texts, recorded for whoever reads qstat. */
const RECORDED = new Set(['software', 'other', 'gres']);
/** Resources that Torque knows and this batch system has not. */
const MISSING = new Set(
  (
    'advres arch cput cpuclock ddisk deadline depend dmem feature file flags gattr geometry gmetric host hostlist image jgroup ' +
    'jobflags latency loglevel maxmem minpreempttime minprocspeed minwclimit mpparch mppdepth mpphost mpplabels mppnodect mppnodes ' +
    'mppnppn mpptime mppwidth naccesspolicy nallocpolicy ncpus nice nodeset opsys os partition pcput pf pmem ppf pref procct procs ' +
    'procs_bitmap pvmem qos queuejob reqattr retrycc retrycount rmtype sds select sid signal size spriority stagein subnode ' +
    'subnode_list taskdistpolicy template termsig termtime tid tpn trig trl var vcores vmem wcrequeue'
  ).split(' '),
);

/** What is the same for all submissions. */
export interface Site {
  readonly server: string;
  readonly nodes: readonly VirtualNode[];
  /** Bytes of memory of each node. */
  readonly memory: number;
  readonly queues: readonly Queue[];
  readonly defaultQueue: string;
}

/**
 * Check a submission and make it complete: defaults filled in, values normalised. Pure.
 * @throws PbsError in Torque's words
 */
export function checkSubmission(submission: Submission, site: Site): Submission {
  const queue = queueFor(submission.queue, site);
  checkTexts(submission);
  // It becomes part of the name of a file that root runs.
  if (!/^[\w.+-]*$/.test(submission.jobType ?? ''))
    throw new PbsError(PBSE.BADATVAL, 'Illegal attribute or resource value');
  if (submission.variables.length > MAX_VARIABLES || (submission.args ?? '').length > MAX_ARGS) {
    throw new PbsError(
      PBSE.BADATVAL,
      'Illegal attribute or resource value MSG=too many variables or too long arguments',
    );
  }
  const resources = checkResources(submission.resources, queue, site);
  if (submission.array !== undefined) arrayOf(submission.array);
  if (submission.interactive && submission.array !== undefined) {
    throw new PbsError(PBSE.BAD_ARRAY_REQ, 'interactive job can not be job array');
  }
  // Its terminal is there once.
  const rerunable = submission.rerunable && !submission.interactive;
  return { ...submission, queue: queue.name, variables: inQueue(submission.variables, queue), resources, rerunable };
}

/** qsub cannot know which queue is the default one. */
function inQueue(variables: Submission['variables'], { name }: Queue): [string, string][] {
  return variables.map(([key, value]) => [key, key === 'PBS_O_QUEUE' ? name : value]);
}

/** The resources of a job in a queue, complete. */
export function checkResources(given: Submission['resources'], queue: Queue, site: Site): [string, string][] {
  for (const [name] of given) checkResource(name);
  const resources = completed(given, queue);
  checkLimits(resources, queue);
  checkRoom(new Map(resources), site);
  return resources;
}

/** Refuse texts that would be something else where they are shown or passed on. */
export function checkTexts(parts: Partial<Submission>): void {
  if (hasNul(parts) || writesOnTerminals(parts)) {
    throw new PbsError(PBSE.BADATVAL, 'Illegal attribute or resource value');
  }
}

function checkResource(name: string): void {
  if (EFFECTIVE.has(name) || RECORDED.has(name)) return;
  if (MISSING.has(name)) {
    throw new PbsError(PBSE.UNKRESC, `resource ${name} is not available in the embedded batch system`);
  }
  throw new PbsError(PBSE.UNKRESC, `Unknown resource type  Resource_List.${name}`);
}

/** With the defaults where Torque puts them: behind what was given, and the number of nodes behind `nodes`. */
function completed(given: Submission['resources'], { defaults }: Queue): [string, string][] {
  const list = given
    // An empty value asks for nothing; that of nodes is an error.
    .filter(([name, value]) => name !== 'nodect' && (value !== '' || name === 'nodes'))
    .map(([name, value]): [string, string] => [name, normalised(name, value)]);
  const has = (name: string): boolean => list.some(([key]) => key === name);
  const nodes = has('nodes');
  const missing = defaults.filter(([name]) => !has(name)).map(([name, value]): [string, string] => [name, value]);
  const others: [string, string][] = defaults.some(([name]) => name === 'nodes')
    ? missing
    : [...missing, ['nodes', '1']];
  const all: [string, string][] = nodes ? list : [...list, ...others];
  const count = nodeCount(parseNodes(all.find(([name]) => name === 'nodes')?.[1] ?? '1'));
  return [...all, ['nodect', String(count)], ...(nodes ? missing : [])];
}

/** A resource's value as qstat shows it. */
export function normalised(name: string, value: string): string {
  if (name === 'walltime') return formatWalltime(parseWalltime(value));
  return name === 'mem' ? normaliseMem(value) : value;
}

/** Refuse what could never start. */
function checkRoom(resources: ReadonlyMap<string, string>, { nodes, memory }: Site): void {
  const request = parseNodes(resources.get('nodes') ?? '1');
  const allocation = allocate(request, nodes, new Map());
  const wanted = parseMem(resources.get('mem') ?? '0');
  if (allocation !== undefined && wanted <= memory * allocation.length) return;
  throw new PbsError(
    PBSE.EXCQRESC,
    'Job exceeds queue resource limits MSG=cannot locate feasible nodes (nodes file is empty, all systems are busy, or no nodes have the requested feature)',
  );
}

/** The job of a submission, or an array and its elements. */
export function jobsOf(submission: Submission, owner: Owner, server: string, sequence: number, now: number): Job[] {
  const job = (element?: number | 'all'): Job => ({
    id: jobId(server, sequence, element),
    sequence,
    ...(element === undefined ? {} : { element }),
    owner,
    submission,
    ctime: now,
    cookie: randomBytes(16).toString('hex').toUpperCase(),
    state: submission.hold ? 'H' : 'Q',
    mtime: now,
    qtime: now,
    ...(submission.hold ? { holds: 'u' } : { etime: now }),
    attempt: 0,
  });
  if (submission.array === undefined) return [job()];
  const { indexes, slotLimit } = arrayOf(submission.array);
  const array: Job = { ...job('all'), indexes, ...(slotLimit === undefined ? {} : { slotLimit }) };
  return [array, ...indexes.map((index) => job(index))];
}

/** How many elements the array of a submission has; 0 where it is none. @throws PbsError */
export function elementCount({ array }: Submission): number {
  return array === undefined ? 0 : arrayOf(array).indexes.length;
}

function arrayOf(text: string): ReturnType<typeof parseArray> {
  const array = parseArray(text);
  if (array.indexes.length > MAX_ELEMENTS) throw new PbsError(PBSE.BAD_ARRAY_REQ, 'Bad Job Array Request');
  return array;
}

/** The text in Torque's words of an error of the PBS language, which is written for qsub. */
export function asPbsError(error: unknown): unknown {
  if (!(error instanceof VtorqueError)) return error;
  const [, text] = /^qsub: submit error \((.*)\)$/s.exec(error.message) ?? [];
  return new PbsError(15000 + ((error.exitCode - (15000 % 256) + 512) % 256), text ?? error.message);
}

/** What qstat shows to everybody must not move their cursors or make lines of its own. qsub refuses most of it already. */
function writesOnTerminals(submission: Partial<Submission>): boolean {
  const { name, output, error, account, shell, workDir, initDir, submitHost, resources = [], jobType } = submission;
  const shown = [name, output, error, account, shell, workDir, initDir, submitHost, jobType, ...resources.flat()];
  return shown.some((text) => text !== undefined && /\p{Cc}/u.test(text));
}

function hasNul(value: unknown): boolean {
  if (typeof value === 'string') return value.includes('\0');
  return typeof value === 'object' && value !== null && Object.values(value).some(hasNul);
}

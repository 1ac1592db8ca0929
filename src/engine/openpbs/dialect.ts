import { parseMem } from '../../pbs/index.ts';
import type { BatchNode } from '../engine.ts';
import type { PbsDialect } from '../pbs/commands.ts';
import { DELIMITER, readStatus } from './status.ts';

/** OpenPBS, as observed of 23.06. */
export const openpbsDialect: PbsDialect = {
  name: 'openpbs',
  // Not as JSON, where only the first of several jobs is told (observed). -x: also those that have ended, where the site keeps a
  // history; for weeks, so not when all are asked for.
  statusArgs: (ids) => [...(ids.length > 0 ? ['-x'] : []), '-t', '-f', '-F', 'dsv', '-D', DELIMITER, ...ids],
  historyOption: '-x',
  readStatus,
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

/** What looks like a number is one there. */
function word(value: unknown): string | undefined {
  return typeof value === 'string' || typeof value === 'number' ? String(value) : undefined;
}

function nodeOf(name: string, { state, resources_available: has }: Row): BatchNode[] {
  const { mem, ncpus } = isRow(has) ? has : {};
  const np = Number(ncpus);
  if (typeof mem !== 'string' || !Number.isSafeInteger(np)) return [];
  return [{ name, np, memory: parseMem(mem), state: word(state) ?? '' }];
}

import { parseMem } from '../../pbs/index.ts';
import type { BatchNode } from '../engine.ts';
import type { PbsDialect } from '../pbs/commands.ts';
import { jobStatusOf } from '../pbs/job-status.ts';
import { parseTorqueXml, textOf, type XmlElement } from './xml.ts';

/** Torque, as observed of 6.1. */
export const torqueDialect: PbsDialect = {
  name: 'torque',
  // Without -t the question for one array is answered by all jobs of the server.
  statusArgs: (ids) => ['-x', '-t', ...ids],
  readStatus: (stdout) =>
    rowsOf(stdout, 'Job').map((job) => {
      const id = textOf(job, 'Job_Id');
      if (id === undefined) throw new Error('there is a job without an id');
      return jobStatusOf({
        id,
        name: textOf(job, 'Job_Name'),
        owner: textOf(job, 'Job_Owner'),
        queue: textOf(job, 'queue'),
        state: textOf(job, 'job_state'),
        execHost: textOf(job, 'exec_host'),
        exitStatus: textOf(job, 'exit_status'),
      });
    }),
  nodesArgs: ['-x'],
  readNodes: (stdout) => {
    const nodes = rowsOf(stdout, 'Node').flatMap(nodeOf);
    return nodes.length > 0 ? nodes : undefined;
  },
  queuesArgs: ['-Q', '-f'],
  readQueues,
  // Nodes need not run trqauthd, without which no command may ask the server.
  here: { command: '../sbin/momctl', args: ['-d', '0'], readIds: readMomJobs },
};

/** The jobs of a pbs_mom, in what it says about itself. One that was cut off could lack jobs. */
function readMomJobs(stdout: string): string[] {
  if (!/^diagnostics complete$/m.test(stdout)) throw new Error('it does not come to its end');
  return [...stdout.matchAll(/^job\[(\S+)\] {2}state=/gm)].map(([, id = '']) => id);
}

/** Of no jobs there is an empty list; nothing at all is no answer. */
function rowsOf(stdout: string, name: string): readonly XmlElement[] {
  const roots = parseTorqueXml(stdout);
  if (roots.length === 0 || roots.some((root) => root.name !== 'Data' || !isListOf(root, name))) {
    throw new Error(`it is no list of elements "${name}"`);
  }
  return roots.flatMap(({ children }) => children);
}

function isListOf({ children }: XmlElement, name: string): boolean {
  return children.every((child) => child.name === name);
}

/** None for a node that has never said what it has. */
function nodeOf(node: XmlElement): BatchNode[] {
  const name = textOf(node, 'name');
  const status = new Map(
    (textOf(node, 'status') ?? '').split(',').map((item): [string, string] => {
      const at = item.indexOf('=');
      return [item.slice(0, Math.max(0, at)), item.slice(at + 1)];
    }),
  );
  const memory = status.get('physmem');
  const np = Number(textOf(node, 'np'));
  if (name === undefined || memory === undefined || !Number.isSafeInteger(np)) return [];
  return [{ name, np, memory: parseMem(memory), state: textOf(node, 'state') ?? '' }];
}

function readQueues(stdout: string): string[] {
  const queues = stdout.split(/^(?=Queue: )/m).filter((block) => block.trim() !== '');
  return queues.flatMap((block) => {
    const [, name] = /^Queue: (\S+)/.exec(block) ?? [];
    if (name === undefined) throw new Error('it is no list of queues');
    return /^\s*enabled = True$/m.test(block) ? [name] : [];
  });
}

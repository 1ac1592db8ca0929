import { VtorqueError } from '../../base/index.ts';
import type { Allocation, JobEngine, NodeTasks } from '../../engine/index.ts';
import { type ServedGuests, serveLauncher } from '../../node/agent/index.ts';
import { Channel, connectToLauncher, type FromNode, linkKey, readToNode, type ToNode } from '../../node/link/index.ts';

/** What a simulated node does: start a guest that lives until it is told to end, or fail somewhere. */
export type Fate =
  | 'well'
  | 'cannot start'
  | 'lost before ready'
  | 'lost after go'
  | 'guest lost after go'
  | 'starts late'
  | 'never starts'
  | 'has hooks'
  | 'task lost after go'
  | 'hangs';

export interface SimulatedNodes {
  readonly engine: JobEngine;
  readonly allocation: Allocation;
  /** Nodes on which a guest runs. */
  readonly running: ReadonlySet<string>;
  /** Resolves when each agent that was started has returned. */
  agentsOver(): Promise<void>;
  /** What agents would have complained of on their own: the launcher was not there. */
  readonly complaints: readonly string[];
  /** Of the guests that were ended the clean way. */
  readonly tornDown: readonly string[];
  /** Of those that heard that the job is to end. */
  readonly precancelled: readonly string[];
  /** Exit codes of the script, as they heard them. */
  readonly codes: ReadonlySet<number>;
}

/** A batch system whose nodes have agents in this process: the real protocol over the loopback interface, no guest. */
export function simulateNodes(
  count: number,
  fateOf: (node: string) => Fate,
  secret = `secret ${Math.random()}`,
): SimulatedNodes {
  const nodes = Array.from({ length: count }, (_, at) => ({ name: `n${at}`, slots: 1 }));
  const allocation: Allocation = {
    ...{ engine: 'embedded', cluster: 'head', jobId: '7.head', attempt: '1', nodes, nodeIndex: 0, secret },
  };
  const running = new Set<string>();
  const tornDown: string[] = [];
  const precancelled: string[] = [];
  const codes = new Set<number>();
  const agents: Promise<void>[] = [];
  const late: Promise<void>[] = [];
  const complaints: string[] = [];
  let taskLost: (node: string) => void = () => {};
  const ending = Promise.withResolvers<void>();
  const engine: JobEngine = {
    name: 'embedded',
    allocation: async () => allocation,
    startOnNodes: async (_, chosen, argv) => {
      const [, port = '', host = ''] = argv;
      const { promise: failed, resolve } = Promise.withResolvers<Awaited<NodeTasks['failed']>>();
      taskLost = (node) => resolve({ node, why: 'err not connected' });
      const at = { port: Number(port), hosts: [host] };
      for (const { name } of chosen) {
        const fate = fateOf(name);
        if (fate === 'never starts') resolve({ node: name, why: 'it ended with exit code 127' });
        else if (fate === 'starts late') late.push(ending.promise.then(() => agent(name, fate, at)));
        else agents.push(agent(name, fate, at));
      }
      return {
        failed,
        // A batch system takes its time to end what it has started, and to start it.
        [Symbol.asyncDispose]: async () => {
          ending.resolve();
          await Promise.all(late);
        },
      };
    },
  };
  async function agent(node: string, fate: Fate, place: Parameters<typeof connectToLauncher>[0]): Promise<void> {
    const index = nodes.findIndex(({ name }) => name === node);
    const socket = await connectToLauncher(place, linkKey(allocation, index)).catch((error: unknown) => {
      complaints.push(String(error));
    });
    // The launcher has given up before this node was heard.
    if (socket === undefined) return;
    const channel = new Channel<FromNode, ToNode>(socket, readToNode);
    const start: Parameters<typeof serveLauncher>[0]['start'] = async (_, news): Promise<ServedGuests> => {
      if (fate === 'cannot start') {
        throw new VtorqueError('E_IMAGE_UNKNOWN', `Cannot use image "x" on ${node}: none`, { phase: 'check' });
      }
      if (fate === 'lost before ready') channel[Symbol.dispose]();
      if (fate === 'hangs') await channel.closed;
      if (fate === 'has hooks') {
        const vm = `v${node}-1`;
        news.reports.log(`${vm}.log`, Buffer.from('\0ä'));
        news.reports.ended({ vm, hook: 'prologue.parallel', how: 'ended', good: false });
      }
      running.add(node);
      return {
        names: [`v${node}-1`],
        watch: async (phase, work) => {
          if (phase === 'script' && fate === 'lost after go') channel[Symbol.dispose]();
          if (phase === 'script' && fate === 'task lost after go') taskLost(node);
          if (phase === 'script' && fate === 'guest lost after go') {
            throw new VtorqueError('E_GUEST_LOST', 'Cannot go on: guest ended', { phase, details: ['panic'] });
          }
          return work;
        },
        precancel: async () => void precancelled.push(node),
        tearDown: async (code) => {
          tornDown.push(node);
          codes.add(code);
        },
        [Symbol.asyncDispose]: async () => void running.delete(node),
      };
    };
    await serveLauncher({ channel, node, network, start });
  }
  const agentsOver = async (): Promise<void> => void (await Promise.all(agents));
  return { engine, allocation, running, tornDown, complaints, precancelled, codes, agentsOver };
}

/** What such a node says of itself. */
export const network = { routes: [], trunk: { hosts: ['127.0.0.1'], port: 1 } };

/** For guests that are not there. */
export const plan = {
  ...{ request: { img: 'host', vcpus: 1, ram: 2 ** 30 }, hosts: [], nodeFile: '/nodes', cwd: '/', umask: 0o22 },
  ...{ directories: [], scriptPath: '/job.sh', variables: {} },
  hooks: {
    ...{ directory: '', user: {}, job: { resources: '', account: '' }, logs: '/logs' },
    limits: { prologue: 1, epilogue: 1, precancel: 1 },
  },
};

/** Of hooks that nobody wants to hear of. */
export const reports = { log: () => {}, ended: () => {} };

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VtorqueError } from '../../base/index.ts';
import type { Allocation, JobEngine, NodeTasks } from '../../engine/index.ts';
import { type ServedGuest, serveLauncher } from '../../node/agent/index.ts';
import { Channel, connectToLauncher, type FromNode, linkKey, readToNode, type ToNode } from '../../node/link/index.ts';
import { type NodeTimes, type OtherNodes, startOtherNodes } from './other-nodes.ts';

/** What a simulated node does: start a guest that lives until it is told to end, or fail somewhere. */
type Fate =
  | 'well'
  | 'cannot start'
  | 'lost before ready'
  | 'lost after go'
  | 'guest lost after go'
  | 'never starts'
  | 'hangs';

interface Simulated {
  readonly engine: JobEngine;
  readonly allocation: Allocation;
  /** Nodes on which a guest runs. */
  readonly running: ReadonlySet<string>;
  /** Resolves when each agent that was started has returned. */
  agentsOver(): Promise<void>;
  /** Of the guests that were ended the clean way. */
  readonly tornDown: readonly string[];
}

/** A batch system whose nodes have agents in this process: the real protocol over the loopback interface, no guest. */
function simulate(count: number, fateOf: (node: string) => Fate, secret = `secret ${Math.random()}`): Simulated {
  const nodes = Array.from({ length: count }, (_, at) => ({ name: `n${at}`, slots: 1 }));
  const allocation: Allocation = {
    ...{ engine: 'embedded', cluster: 'head', jobId: '7.head', attempt: '1', nodes, nodeIndex: 0, secret },
  };
  const running = new Set<string>();
  const tornDown: string[] = [];
  const agents: Promise<void>[] = [];
  const engine: JobEngine = {
    name: 'embedded',
    allocation: async () => allocation,
    startOnNodes: async (_, chosen, argv) => {
      const [, port = '', host = ''] = argv;
      const { promise: failed, resolve } = Promise.withResolvers<Awaited<NodeTasks['failed']>>();
      for (const { name } of chosen) {
        const fate = fateOf(name);
        if (fate === 'never starts') resolve({ node: name, why: 'it ended with exit code 127' });
        else agents.push(agent(name, fate, { port: Number(port), hosts: [host] }));
      }
      return { failed, [Symbol.asyncDispose]: async () => {} };
    },
  };
  async function agent(node: string, fate: Fate, place: Parameters<typeof connectToLauncher>[0]): Promise<void> {
    const index = nodes.findIndex(({ name }) => name === node);
    const socket = await connectToLauncher(place, linkKey(allocation, index)).catch(() => undefined);
    // The launcher has given up before this node was heard.
    if (socket === undefined) return;
    const channel = new Channel<FromNode, ToNode>(socket, readToNode);
    const start = async (): Promise<ServedGuest> => {
      if (fate === 'cannot start') {
        throw new VtorqueError('E_IMAGE_UNKNOWN', `Cannot use image "x" on ${node}: none`, { phase: 'check' });
      }
      if (fate === 'lost before ready') channel[Symbol.dispose]();
      if (fate === 'hangs') await channel.closed;
      running.add(node);
      return {
        name: `v${node}-1`,
        watch: async (phase, work) => {
          if (phase === 'script' && fate === 'lost after go') channel[Symbol.dispose]();
          if (phase === 'script' && fate === 'guest lost after go') {
            throw new VtorqueError('E_GUEST_LOST', 'Cannot go on: guest ended', { phase, details: ['panic'] });
          }
          return work;
        },
        tearDown: async () => void tornDown.push(node),
        [Symbol.asyncDispose]: async () => void running.delete(node),
      };
    };
    await serveLauncher({ channel, node, start });
  }
  return { engine, allocation, running, tornDown, agentsOver: async () => void (await Promise.all(agents)) };
}

const plan = {
  ...{ request: { img: 'host', vcpus: 1, ram: 2 ** 30 }, hosts: [], nodeFile: '/nodes', cwd: '/', umask: 0o22 },
  ...{ directories: [], scriptPath: '/job.sh' },
};
const never = new AbortController().signal;

function start(of: Simulated, times: Partial<NodeTimes> = {}): Promise<OtherNodes> {
  return startOtherNodes({ ...of, agent: ['agent'], plan, record: () => {}, times });
}

/** What the nodes of a job end with, from the start to the end of its script. */
async function outcome(of: Simulated, times?: Partial<NodeTimes>, signal = never): Promise<VtorqueError | 'done'> {
  await using others = await start(of, times);
  try {
    await others.ready(signal);
    // The script runs until a node fails, or ends when there is none that will.
    if (of.tornDown.length === 0) await Promise.race([failure(others), new Promise((done) => setTimeout(done, 100))]);
    if (others.failed.aborted) throw others.failed.reason;
    await others.end();
    return 'done';
  } catch (error) {
    return error as VtorqueError;
  }
}

const failure = ({ failed }: OtherNodes): Promise<unknown> =>
  new Promise((resolve) => failed.addEventListener('abort', resolve, { once: true }));

test('two hundred nodes are started, ready together, and torn down', async () => {
  const of = simulate(201, () => 'well');
  await using others = await start(of);
  await others.ready(never);
  assert.equal(of.running.size, 200);
  await others.end();
  await of.agentsOver();
  assert.deepEqual([of.tornDown.length, of.running.size], [200, 0]);
});

test('one of two hundred that cannot start its guest ends all, with its reason and its name', async () => {
  const of = simulate(201, (node) => (node === 'n137' ? 'cannot start' : 'well'));
  const error = await outcome(of);
  assert.ok(error instanceof VtorqueError);
  assert.deepEqual([error.code, error.phase, error.node], ['E_IMAGE_UNKNOWN', 'check', 'n137']);
  await of.agentsOver();
  assert.deepEqual([of.running.size, of.tornDown], [0, []]);
});

test('whatever becomes of the nodes, there is one reason, of a node that failed, and nothing runs on any', async () => {
  const fates = [
    'well',
    'cannot start',
    'lost before ready',
    'lost after go',
    'guest lost after go',
    'never starts',
  ] as const;
  const codes: Readonly<Record<Exclude<Fate, 'well' | 'hangs'>, readonly string[]>> = {
    'cannot start': ['E_IMAGE_UNKNOWN'],
    'lost before ready': ['E_NODE_LOST'],
    'lost after go': ['E_NODE_LOST'],
    'guest lost after go': ['E_GUEST_LOST'],
    'never starts': ['E_NODE_START'],
  };
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...fates), { minLength: 1, maxLength: 6 }), async (drawn) => {
      const fate = (node: string): Fate => drawn[Number(node.slice(1)) - 1] ?? 'well';
      const of = simulate(drawn.length + 1, fate);
      const error = await outcome(of);
      await of.agentsOver();
      assert.equal(of.running.size, 0);
      if (drawn.every((each) => each === 'well')) assert.equal(error, 'done');
      else {
        assert.ok(error instanceof VtorqueError, String(error));
        const culprit = fate(error.node ?? '');
        assert.ok(
          culprit !== 'well' && culprit !== 'hangs' && codes[culprit].includes(error.code),
          `${error.code} of ${culprit}`,
        );
      }
    }),
    { numRuns: 30 },
  );
});

test('the guest of a node that is lost is told with its last lines', async () => {
  const error = await outcome(simulate(3, (node) => (node === 'n2' ? 'guest lost after go' : 'well')));
  assert.ok(error instanceof VtorqueError);
  assert.deepEqual([error.node, error.phase, error.details], ['n2', 'script', ['panic']]);
});

test('a node that never has its guest ready is named when the time is over', async () => {
  const of = simulate(4, (node) => (node === 'n3' ? 'hangs' : 'well'));
  const error = await outcome(of, { readyMs: 200 });
  assert.ok(error instanceof VtorqueError);
  assert.deepEqual([error.code, error.node], ['E_NODE_TIMEOUT', 'n3']);
  assert.equal(error.message, 'Cannot start the job: no VM is ready on "n3" within 0.2 s');
  await of.agentsOver();
  assert.equal(of.running.size, 0);
});

test('nodes that are not heard are named, a few of them', async () => {
  const of = simulate(9, () => 'well');
  const deaf: Simulated = {
    ...of,
    engine: {
      ...of.engine,
      startOnNodes: async () => ({ failed: new Promise(() => {}), [Symbol.asyncDispose]: async () => {} }),
    },
  };
  const error = await outcome(deaf, { heardMs: 50 });
  assert.ok(error instanceof VtorqueError);
  assert.equal(error.code, 'E_NODE_SILENT');
  assert.match(error.message, /nothing was heard from "n1", "n2", "n3", "n4", "n5" and 3 more within 0.05 s/);
});

test('a signal that ends the job before its script ends all nodes, and stays the reason', async () => {
  const of = simulate(5, (node) => (node === 'n1' ? 'hangs' : 'well'));
  const job = new AbortController();
  setTimeout(() => job.abort(new Error('ended by SIGTERM')), 100);
  const error = await outcome(of, {}, job.signal);
  assert.equal(error instanceof Error && error.message, 'ended by SIGTERM');
  await of.agentsOver();
  assert.equal(of.running.size, 0);
});

test('a node of another version is refused, with both versions', async () => {
  const of = simulate(2, () => 'well');
  const old: Simulated = {
    ...of,
    engine: {
      ...of.engine,
      startOnNodes: async (allocation, _, argv) => {
        const socket = await connectToLauncher({ port: Number(argv[1]), hosts: ['127.0.0.1'] }, linkKey(allocation, 1));
        new Channel<FromNode, ToNode>(socket, readToNode).send({ type: 'hello', version: 99, node: 'n1' });
        return { failed: new Promise(() => {}), [Symbol.asyncDispose]: async () => {} };
      },
    },
  };
  const error = await outcome(old);
  assert.ok(error instanceof VtorqueError);
  assert.equal(error.code, 'E_NODE_VERSION');
  assert.match(error.message, /node "n1": its vTorque speaks version 99 .* this one 1$/);
});

test('a node is only itself: a second connection with its key is refused', async () => {
  const of = simulate(2, () => 'well');
  let place = { port: 0, hosts: ['127.0.0.1'] };
  const watched: Simulated = {
    ...of,
    engine: {
      ...of.engine,
      startOnNodes: (allocation, nodes, argv) => {
        place = { ...place, port: Number(argv[1]) };
        return of.engine.startOnNodes(allocation, nodes, argv);
      },
    },
  };
  await using others = await start(watched);
  await others.ready(never);
  await assert.rejects(connectToLauncher(place, linkKey(of.allocation, 1)), { code: 'E_NODE_CONNECT' });
  await others.end();
  await of.agentsOver();
});

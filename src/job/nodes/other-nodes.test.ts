import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VtorqueError } from '../../base/index.ts';
import { Channel, connectToLauncher, type FromNode, linkKey, readToNode, type ToNode } from '../../node/link/index.ts';
import { type NodeTimes, type OtherNodes, startOtherNodes } from './other-nodes.ts';
import { type Fate, network, plan, reports, type SimulatedNodes, simulateNodes } from './test-support.ts';

const never = new AbortController().signal;

function start(of: SimulatedNodes, times: Partial<NodeTimes> = {}): Promise<OtherNodes> {
  return startOtherNodes({ ...of, agent: ['agent'], plan, record: () => {}, reports, times });
}

/** What the nodes of a job end with, from the start to the end of its script. */
async function outcome(of: SimulatedNodes, times?: Partial<NodeTimes>, signal = never): Promise<VtorqueError | 'done'> {
  await using others = await start(of, times);
  try {
    await others.heard(signal);
    others.start(undefined);
    await others.ready(signal);
    // The script runs until a node fails, or ends when there is none that will.
    if (of.tornDown.length === 0) await Promise.race([failure(others), new Promise((done) => setTimeout(done, 100))]);
    if (others.failed.aborted) throw others.failed.reason;
    await others.end(0);
    return 'done';
  } catch (error) {
    return error as VtorqueError;
  }
}

const failure = ({ failed }: OtherNodes): Promise<unknown> =>
  new Promise((resolve) => failed.addEventListener('abort', resolve, { once: true }));

test('two hundred nodes are started, ready together, and torn down', async () => {
  const of = simulateNodes(201, () => 'well');
  await using others = await start(of);
  assert.equal((await others.heard(never)).length, 200);
  others.start(undefined);
  await others.ready(never);
  assert.equal(of.running.size, 200);
  await others.end(0);
  await of.agentsOver();
  assert.deepEqual([of.tornDown.length, of.running.size], [200, 0]);
});

test('all nodes hear that the job is to end, and with which code its script has ended', async () => {
  const of = simulateNodes(4, () => 'well');
  await using others = await start(of);
  await others.heard(never);
  others.start(undefined);
  await others.ready(never);
  others.precancel();
  await others.end(7);
  await of.agentsOver();
  assert.deepEqual([of.precancelled.length, [...of.codes]], [3, [7]]);
});

test('what hooks on other nodes print, and how they end, comes to the launcher', async () => {
  const of = simulateNodes(3, () => 'has hooks');
  const news: string[] = [];
  await using others = await startOtherNodes({
    ...{ ...of, agent: ['agent'], plan, record: () => {} },
    reports: {
      log: (file, bytes) => news.push(`${file}: ${bytes}`),
      ended: ({ vm, hook, how, good }) => news.push(`${vm} ${hook} ${how} ${good}`),
    },
  });
  await others.heard(never);
  others.start(undefined);
  await others.ready(never);
  assert.deepEqual(news.sort(), [
    ...['vn1-1 prologue.parallel ended false', 'vn1-1.log: \0ä'],
    ...['vn2-1 prologue.parallel ended false', 'vn2-1.log: \0ä'],
  ]);
  await others.end(0);
});

test('one of two hundred that cannot start its guest ends all, with its reason and its name', async () => {
  const of = simulateNodes(201, (node) => (node === 'n137' ? 'cannot start' : 'well'));
  const error = await outcome(of);
  assert.ok(error instanceof VtorqueError);
  assert.deepEqual([error.code, error.phase, error.node], ['E_IMAGE_UNKNOWN', 'check', 'n137']);
  await of.agentsOver();
  assert.deepEqual([of.running.size, of.tornDown], [0, []]);
});

test('an agent that comes when the job has failed already is sent away, and does not say that nobody was there', async () => {
  const of = simulateNodes(3, () => 'starts late');
  {
    await using others = await start(of);
    // The guest of the first node has failed before any agent was heard.
    assert.equal(others.failed.aborted, false);
  }
  assert.deepEqual([of.complaints, of.running.size], [[], 0]);
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
  const codes: Readonly<Record<Exclude<Fate, 'well' | 'hangs' | 'task lost after go'>, readonly string[]>> = {
    'cannot start': ['E_IMAGE_UNKNOWN'],
    'lost before ready': ['E_NODE_LOST'],
    'lost after go': ['E_NODE_LOST'],
    'guest lost after go': ['E_GUEST_LOST'],
    'never starts': ['E_NODE_START'],
    'starts late': ['E_NODE_SILENT'],
    'has hooks': [],
  };
  await fc.assert(
    fc.asyncProperty(fc.array(fc.constantFrom(...fates), { minLength: 1, maxLength: 6 }), async (drawn) => {
      const fate = (node: string): Fate => drawn[Number(node.slice(1)) - 1] ?? 'well';
      const of = simulateNodes(drawn.length + 1, fate);
      const error = await outcome(of);
      await of.agentsOver();
      assert.equal(of.running.size, 0);
      if (drawn.every((each) => each === 'well')) assert.equal(error, 'done');
      else {
        assert.ok(error instanceof VtorqueError, String(error));
        const culprit = fate(error.node ?? '');
        assert.ok(
          culprit !== 'well' &&
            culprit !== 'hangs' &&
            culprit !== 'task lost after go' &&
            codes[culprit].includes(error.code),
          `${error.code} of ${culprit}`,
        );
      }
    }),
    { numRuns: 30 },
  );
});

test('a node of whose agent the batch system knows no more goes on as long as that speaks', async () => {
  const of = simulateNodes(3, (node) => (node === 'n2' ? 'task lost after go' : 'well'));
  assert.equal(await outcome(of, { reasonMs: 1 }), 'done');
  assert.equal(of.tornDown.length, 2);
});

test('the guest of a node that is lost is told with its last lines', async () => {
  const error = await outcome(simulateNodes(3, (node) => (node === 'n2' ? 'guest lost after go' : 'well')));
  assert.ok(error instanceof VtorqueError);
  assert.deepEqual([error.node, error.phase, error.details], ['n2', 'script', ['panic']]);
});

test('a node that never has its guest ready is named when the time is over', async () => {
  const of = simulateNodes(4, (node) => (node === 'n3' ? 'hangs' : 'well'));
  const error = await outcome(of, { readyMs: 200 });
  assert.ok(error instanceof VtorqueError);
  assert.deepEqual([error.code, error.node], ['E_NODE_TIMEOUT', 'n3']);
  assert.equal(error.message, 'Cannot start the job: no VM is ready on "n3" within 0.2 s');
  await of.agentsOver();
  assert.equal(of.running.size, 0);
});

test('nodes that are not heard are named, a few of them', async () => {
  const of = simulateNodes(9, () => 'well');
  const deaf: SimulatedNodes = {
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
  const of = simulateNodes(5, (node) => (node === 'n1' ? 'hangs' : 'well'));
  const job = new AbortController();
  setTimeout(() => job.abort(new Error('ended by SIGTERM')), 100);
  const error = await outcome(of, {}, job.signal);
  assert.equal(error instanceof Error && error.message, 'ended by SIGTERM');
  await of.agentsOver();
  assert.equal(of.running.size, 0);
});

test('a node of another version is refused, with both versions', async () => {
  const of = simulateNodes(2, () => 'well');
  const old: SimulatedNodes = {
    ...of,
    engine: {
      ...of.engine,
      startOnNodes: async (allocation, _, argv) => {
        const socket = await connectToLauncher({ port: Number(argv[1]), hosts: ['127.0.0.1'] }, linkKey(allocation, 1));
        new Channel<FromNode, ToNode>(socket, readToNode).send({ type: 'hello', version: 99, node: 'n1', network });
        return { failed: new Promise(() => {}), [Symbol.asyncDispose]: async () => {} };
      },
    },
  };
  const error = await outcome(old);
  assert.ok(error instanceof VtorqueError);
  assert.equal(error.code, 'E_NODE_VERSION');
  assert.match(error.message, /node "n1": its vTorque speaks version 99 .* this one 2$/);
});

test('a node is only itself: a second connection with its key is refused', async () => {
  const of = simulateNodes(2, () => 'well');
  let place = { port: 0, hosts: ['127.0.0.1'] };
  const watched: SimulatedNodes = {
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
  await others.heard(never);
  others.start(undefined);
  await others.ready(never);
  await assert.rejects(connectToLauncher(place, linkKey(of.allocation, 1)), { code: 'E_NODE_CONNECT' });
  await others.end(0);
  await of.agentsOver();
});

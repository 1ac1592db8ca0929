import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Barrier } from './barrier.ts';

const nodes = ['n2', 'n3', 'n4'];
const settled = async (promise: Promise<void>): Promise<boolean> =>
  Promise.race([promise.then(() => true), new Promise<boolean>((resolve) => setImmediate(resolve, false))]);

type Event = { readonly node: string } & (
  | { readonly reach: 'starting' | 'ready' | 'ended' }
  | { readonly fails: number }
);

const event: fc.Arbitrary<Event> = fc.oneof(
  fc.record({ node: fc.constantFrom(...nodes), reach: fc.constantFrom('starting', 'ready', 'ended') }),
  fc.record({ node: fc.constantFrom(...nodes), fails: fc.nat() }),
);

test('whatever the order, the first failure is the reason, and all are ready only if each was before it', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(event, { maxLength: 20 }), async (events) => {
      const barrier = new Barrier(nodes);
      for (const each of events) {
        if ('reach' in each) barrier.reach(each.node, each.reach);
        else barrier.fail(each);
      }
      const first = events.findIndex((each) => 'fails' in each);
      const before = first < 0 ? events : events.slice(0, first);
      assert.equal(barrier.failed.aborted, first >= 0);
      if (first >= 0) assert.equal(barrier.failed.reason, events[first]);
      const passed = (stages: readonly string[]): boolean =>
        nodes.every((node) =>
          before.some((each) => each.node === node && 'reach' in each && stages.includes(each.reach)),
        );
      assert.equal(await settled(barrier.allHeard), passed(['starting', 'ready', 'ended']));
      assert.equal(await settled(barrier.allReady), passed(['ready', 'ended']));
      assert.equal(await settled(barrier.allEnded), passed(['ended']));
    }),
  );
});

test('a barrier names those that are behind, and what each was busy with', () => {
  const barrier = new Barrier(nodes);
  barrier.reach('n3', 'ready');
  barrier.reach('n3', 'starting');
  barrier.reach('unknown', 'ready');
  barrier.enter('n2', 'vm-start');
  assert.deepEqual(barrier.behind('starting'), ['n2', 'n4']);
  assert.deepEqual(barrier.behind('ready'), ['n2', 'n4']);
  assert.deepEqual([barrier.phaseOf('n2'), barrier.phaseOf('n4')], ['vm-start', 'plan']);
});

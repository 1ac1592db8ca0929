import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Event, eventOf, nameOf } from './event.ts';

/** Also such reasons as no caller has. */
const anyEvent = (reason: fc.Arbitrary<string>): fc.Arbitrary<Event> =>
  fc.oneof(
    fc.constantFrom<Event>(['start', 'warm'], ['template', 'made']),
    fc.tuple(fc.constant('start' as const), fc.constantFrom('cold' as const, 'fallback' as const), reason),
    fc.tuple(fc.constant('template' as const), fc.constant('given-up' as const), reason),
  );

test('the name of a counter tells its event', () => {
  fc.assert(
    fc.property(anyEvent(fc.constantFrom('E_QMP', 'ENOSPC', 'warm=off', 'huge-pages', 'first')), (event) => {
      assert.deepEqual(eventOf(nameOf(event)), event);
    }),
  );
});

test('whatever the reason is, the name is one of a file in its directory, and nothing of a path or of a sentence is in it', () => {
  fc.assert(
    fc.property(
      anyEvent(fc.string({ unit: fc.constantFrom('a', 'E', '_', '/', '.', ' ', '\n', '"', 'ä') })),
      (event) => {
        const name = nameOf(event);
        assert.match(name, /^[\w.=-]+$/);
        const [, , reason] = eventOf(name) ?? assert.fail(`"${name}" is no counter`);
        assert.ok(reason === event[2] || reason === 'other', name);
      },
    ),
  );
});

test('a file with another name is no counter', () => {
  for (const name of [
    'since',
    'start',
    'start.warm~',
    'start.warm.E_QMP',
    'start.cold',
    'start.cold.',
    'template.given-up.a.b',
  ]) {
    assert.equal(eventOf(name), undefined, name);
  }
});

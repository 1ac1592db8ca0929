import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { VtorqueError } from '../../../base/index.ts';
import { type ClockAgent, keepClock } from './keep.ts';

const nodeMs = 1_800_000_000_000;

/** A guest whose clock is late by so much, and what it was told. */
function aGuest(lateMs: number, isKept = false) {
  const told: string[] = [];
  const { promise: corrected, resolve } = Promise.withResolvers<void>();
  let looks = 0;
  const tell = async (words: string): Promise<void> => {
    told.push(words);
    resolve();
  };
  const agent: ClockAgent = {
    readClock: async () => {
      if (++looks === 8) resolve();
      return { nanoseconds: BigInt((nodeMs - lateMs) * 1e6), isKept };
    },
    slewClock: (microseconds) => tell(`slew ${microseconds}`),
    setClock: (nanoseconds) => tell(`set ${nanoseconds}`),
  };
  return { agent, told, corrected };
}

async function toldTo(lateMs: number, isKept = false): Promise<string | undefined> {
  const { agent, told, corrected } = aGuest(lateMs, isKept);
  using _ = keepClock({ agent, now: () => nodeMs, everyMs: 1, onGivenUp: assert.fail });
  // A timer of its own keeps no process up.
  const up = setInterval(() => {}, 1000);
  await corrected;
  clearInterval(up);
  return told[0];
}

test('a clock that is a little late is made to run faster', async () => {
  assert.equal(await toldTo(200), 'slew 200000');
});

test('a clock that is far off is set', async () => {
  assert.equal(await toldTo(3_600_000), `set ${nodeMs}000000`);
});

test('a clock that is right, or that the guest itself keeps, is left alone', async () => {
  assert.equal(await toldTo(0), undefined);
  assert.equal(await toldTo(200, true), undefined);
});

test('a guest that cannot do it is told of once, one that is gone is not', async () => {
  for (const [code, expected] of [
    ['E_GUEST_CALL', ['the clock is on its own: no']],
    ['E_GUEST_LOST', []],
  ] as const) {
    const said: string[] = [];
    const { promise: asked, resolve } = Promise.withResolvers<void>();
    const readClock = async (): Promise<never> => {
      resolve();
      throw new VtorqueError(code, 'no');
    };
    const up = setInterval(() => {}, 1000);
    const keeper = keepClock({
      agent: { ...aGuest(0).agent, readClock },
      everyMs: 1,
      onGivenUp: (why) => said.push(why),
    });
    await asked;
    await setImmediate();
    keeper[Symbol.dispose]();
    clearInterval(up);
    assert.deepEqual(said, expected);
  }
});

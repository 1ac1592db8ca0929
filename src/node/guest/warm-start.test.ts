import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { VtorqueError } from '../../base/index.ts';
import type { Event } from '../../telemetry/index.ts';
import type { OpenTemplate } from '../../vm/index.ts';
import { startFrom } from './warm-start.ts';

let isOpen = false;
const template = {
  manifest: { key: '0123456789', created: '2026-01-01T00:00:00Z' },
  [Symbol.asyncDispose]: async () => {
    isOpen = false;
  },
} as unknown as OpenTemplate;
const fails = (signal: NodeJS.Signals | null = null): VtorqueError =>
  new VtorqueError('E_VM_START', 'Cannot start guest "v": QEMU ended', { cause: { code: 1, signal } });

/** Start a machine that fails in these ways, from a template that is open until then, and tell what was recorded and given up. */
async function started(
  warm: Error | undefined,
  cold?: Error,
  { signal = new AbortController().signal, isThere = true } = {},
) {
  const told: string[] = [];
  const start = async (from?: OpenTemplate): Promise<string> => {
    await setImmediate();
    assert.equal(isOpen, true);
    const error = from === undefined ? cold : warm;
    if (error !== undefined) throw error;
    return from === undefined ? 'booted' : 'cloned';
  };
  const steps = {
    ...{ start, signal, record: (fact: string) => void told.push(fact) },
    counts: (event: Event) => void told.push(event.join(' ')),
    giveUp: async (_: OpenTemplate, reason: string) => {
      told.push(`given up: ${reason}`);
      return isThere;
    },
  };
  isOpen = true;
  const outcome = await startFrom(template, steps).catch((error: unknown) => error);
  assert.equal(isOpen, false);
  return { outcome, told };
}

const reason = 'Cannot start guest "v": QEMU ended';

test('a machine starts from its template', async () => {
  assert.deepEqual(await started(undefined), {
    ...{ outcome: 'cloned', told: ['warm start: template 01234567 of 2026-01-01T00:00:00Z', 'start warm'] },
  });
});

test('a template with which a machine does not come up that boots is given up', async () => {
  const told = [`cold boot: ${reason}`, 'start fallback E_VM_START', `given up: ${reason}`];
  assert.deepEqual(await started(fails()), {
    ...{ outcome: 'booted', told: [...told, 'template given-up E_VM_START'] },
  });
  assert.deepEqual(await started(fails(), undefined, { isThere: false }), { outcome: 'booted', told });
});

test('a template is not given up for what a machine that boots meets as well, or for a QEMU that was killed', async () => {
  const noRoom = fails();
  assert.deepEqual(await started(fails(), noRoom), { outcome: noRoom, told: [`cold boot: ${reason}`] });
  assert.deepEqual(await started(fails('SIGKILL')), {
    ...{ outcome: 'booted', told: [`cold boot: ${reason}`, 'start fallback E_VM_START'] },
  });
});

test('what has nothing to do with the template ends the start, and so does its signal', async () => {
  const lost = new VtorqueError('E_SHARE_LOST', 'Cannot go on');
  assert.deepEqual(await started(lost), { outcome: lost, told: [] });
  const deleted = new Error('deleted');
  assert.deepEqual(await started(fails(), undefined, { signal: AbortSignal.abort(deleted) }), {
    outcome: deleted,
    told: [],
  });
});

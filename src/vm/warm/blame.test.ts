import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VtorqueError } from '../../base/index.ts';
import type { ProcessEnd } from '../../process/index.ts';
import { blamesTemplate } from './blame.ts';

const ended = (cause: ProcessEnd) => new VtorqueError('E_VM_START', 'Cannot start guest "v": QEMU ended', { cause });

test('a QEMU that cannot go on with a template, or a guest that does not, is a failure of the template', () => {
  assert.ok(blamesTemplate(ended({ code: 1, signal: null })));
  assert.ok(blamesTemplate(ended({ code: null, signal: 'SIGSEGV' })));
  for (const code of ['E_GUEST_TIMEOUT', 'E_QMP', 'E_TEMPLATE'])
    assert.ok(blamesTemplate(new VtorqueError(code, 'Cannot')));
  assert.ok(blamesTemplate(new Error('no room')));
});

test('a QEMU that was killed, or is not there, and a maker that is at work, say nothing about the template', () => {
  assert.ok(!blamesTemplate(ended({ code: null, signal: 'SIGKILL' })));
  assert.ok(!blamesTemplate(ended({ code: 127, signal: null })));
  for (const code of ['E_SPAWN', 'E_LOCKED']) assert.ok(!blamesTemplate(new VtorqueError(code, 'Cannot')));
});

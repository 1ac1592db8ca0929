import assert from 'node:assert/strict';
import { test } from 'node:test';
import { onNode, VtorqueError } from './errors.ts';

test('onNode() adds the node on which an error was thrown, and changes nothing else', () => {
  const cause = new Error('why');
  const facts = { hint: 'Do that', phase: 'guest', exitCode: 2, details: ['line'], cause } as const;
  const error = onNode(new VtorqueError('E_X', 'Cannot x: y', facts), 'n1');
  assert.ok(error instanceof VtorqueError);
  const { code, message, hint, phase, exitCode, details, node } = error;
  assert.deepEqual(
    { code, message, hint, phase, exitCode, details, node, cause: error.cause },
    { code: 'E_X', message: 'Cannot x: y', ...facts, node: 'n1' },
  );
});

test('onNode() leaves alone what says so already, and what is no error for a user', () => {
  const elsewhere = new VtorqueError('E_X', 'Cannot x: y', { node: 'n2' });
  assert.equal(onNode(elsewhere, 'n1'), elsewhere);
  const bug = new TypeError('bug');
  assert.equal(onNode(bug, 'n1'), bug);
});

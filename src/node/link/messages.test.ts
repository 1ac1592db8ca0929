import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VtorqueError } from '../../base/index.ts';
import { errorData, nodeError, PROTOCOL_VERSION, readFromNode, readToNode } from './messages.ts';

test('what a node says is read as it was said', () => {
  for (const message of [
    { type: 'hello', version: 1, node: 'n2' },
    { type: 'progress', event: 'fact', value: 'accelerator kvm' },
    { type: 'ready', vms: ['vn2-1'] },
    { type: 'failed', error: { code: 'E_X', message: 'Cannot x: y', phase: 'guest', details: ['line'] } },
    { type: 'hook output', file: 'vn2-1.prologue.log', base64: 'eA==' },
    { type: 'hook end', end: { vm: 'vn2-1', hook: 'prologue', how: 'ended with exit code 0', good: true } },
    { type: 'ended' },
  ]) {
    assert.deepEqual(readFromNode(message), message);
  }
});

test('what no version says is refused', () => {
  for (const message of [
    ...[{}, { type: 'toString' }, { type: 'constructor' }, { type: 'go' }, { type: 'hello', version: '1', node: 'n' }],
    ...[
      { type: 'hook output', file: 'f' },
      { type: 'hook end', end: { vm: 'v', hook: 'h', how: 'x' } },
    ],
    ...[{ type: 'failed' }, { type: 'failed', error: { code: 'E', message: 'm', details: [1] } }],
    { type: 'failed', error: { code: 'E', message: 'm', phase: 'lunch', details: [] } },
  ]) {
    assert.throws(() => readFromNode(message), { code: 'E_NODE_PROTOCOL' });
  }
  assert.throws(() => readToNode({ type: 'plan' }), { code: 'E_NODE_PROTOCOL' });
  assert.throws(() => readToNode({ type: 'end' }), { code: 'E_NODE_PROTOCOL' });
  assert.throws(() => readToNode({ type: 'ended' }), { code: 'E_NODE_PROTOCOL' });
});

test('what a node offers of networks is understood, or refused', () => {
  const network = { routes: ['10.0.0.0/8'], trunk: { hosts: ['n2'], port: 4000 } };
  const hello = (more: object) => ({
    type: 'hello',
    version: PROTOCOL_VERSION,
    node: 'n2',
    network: { ...network, ...more },
  });
  for (const offer of [
    { refused: 'clash' },
    { taps: 2, mtu: 1450 },
    { taps: 2, mtu: 1450, machine: 'a' },
    { taps: 2, mtu: 1450, vni: 7 },
  ]) {
    for (const more of [{}, { prepared: offer }, { site: offer }]) {
      assert.deepEqual(readFromNode(hello(more)), hello(more));
    }
  }
  for (const odd of [
    null,
    7,
    { refused: 1 },
    { taps: '2', mtu: 1450 },
    { taps: 2 },
    { taps: 2, mtu: 1, vni: 'x' },
    { taps: 2, mtu: 1, machine: 1 },
  ]) {
    assert.throws(() => readFromNode(hello({ prepared: odd })), { code: 'E_NODE_PROTOCOL' });
    assert.throws(() => readFromNode(hello({ site: odd })), { code: 'E_NODE_PROTOCOL' });
  }
});

test('an error of a node is the same at the launcher, with the name of the node', () => {
  const error = new VtorqueError('E_IMAGE_UNKNOWN', 'Cannot use image "x": none', {
    ...{ hint: 'Build it', phase: 'check', details: ['a', 'b'] },
  });
  const { code, message, hint, phase, details, node } = nodeError(JSON.parse(JSON.stringify(errorData(error))), 'n2');
  assert.deepEqual(
    { code, message, hint, phase, details, node },
    { code: error.code, message: error.message, hint: 'Build it', phase: 'check', details: ['a', 'b'], node: 'n2' },
  );
});

test('a mistake of ours on a node is told as one', () => {
  const { code, message, phase } = errorData(new TypeError('x is not a function'));
  assert.deepEqual([code, message, phase], ['E_INTERNAL', 'Internal error: x is not a function', undefined]);
});

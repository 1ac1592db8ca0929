import assert from 'node:assert/strict';
import { test } from 'node:test';
import { VtorqueError } from '../base/index.ts';
import { qsubUsageError } from '../pbs/index.ts';
import { renderError, wantsColor } from './render-error.ts';

const refused = new VtorqueError('E_IMAGE_UNKNOWN', 'Cannot use image "deb": there is no such image', {
  hint: 'Images here: host',
  phase: 'check',
});

test('an error is one line, and its hint another', () => {
  assert.deepEqual(renderError(refused, { program: 'vsub' }), {
    text: 'vsub: Cannot use image "deb": there is no such image\n  hint: Images here: host\n',
    exitCode: 1,
  });
});

test('an error after the checks names its phase and shows its details', () => {
  const error = new VtorqueError('E_VM', 'Cannot start the VM: QEMU ended', {
    phase: 'vm-start',
    details: ['last console line'],
  });
  assert.equal(
    renderError(error, { program: 'vsub' }).text,
    'vsub: Cannot start the VM: QEMU ended\n  last console line\n  phase: vm-start\n',
  );
});

test('colours frame the name of the program and the word hint, nothing else', () => {
  assert.equal(
    renderError(refused, { program: 'vsub', color: true }).text,
    '\x1b[1;31mvsub:\x1b[0m Cannot use image "deb": there is no such image\n  \x1b[36mhint:\x1b[0m Images here: host\n',
  );
});

test('colours are for terminals, and not with NO_COLOR', () => {
  assert.equal(wantsColor({ isTTY: true }, {}), true);
  assert.equal(wantsColor({ isTTY: true }, { NO_COLOR: '1' }), false);
  assert.equal(wantsColor({ isTTY: true }, { NO_COLOR: '' }), true);
  assert.equal(wantsColor({ isTTY: true }, { TERM: 'dumb' }), false);
  assert.equal(wantsColor({}, {}), false);
});

test('errors of qsub keep its words, and its usage', () => {
  const { text, exitCode } = renderError(qsubUsageError('qsub: illegal -N value', 'Use another'), { program: 'vsub' });
  assert.match(text, /^\[qsub: illegal -N value\]\n\nusage: qsub \[-a date_time\]/);
  assert.match(text, /\[script\]\n\n {2}hint: Use another\n$/);
  assert.equal(exitCode, 2);
});

test('as JSON an error is one object on one line', () => {
  const { text } = renderError(refused, { program: 'vsub', json: true });
  assert.equal(text.split('\n').length, 2);
  assert.deepEqual(JSON.parse(text), {
    error: {
      code: 'E_IMAGE_UNKNOWN',
      message: 'Cannot use image "deb": there is no such image',
      hint: 'Images here: host',
      phase: 'check',
      exitCode: 1,
    },
  });
});

test('anything else that is thrown is called a mistake of ours', () => {
  const { text, exitCode } = renderError(new TypeError('x is undefined'), { program: 'vsub' });
  assert.match(text, /^vsub: Internal error: x is undefined\n {2}at /);
  assert.match(text, /please report it/);
  assert.equal(exitCode, 1);
});

test('an error on one of several nodes names it', () => {
  const error = new VtorqueError('E_X', 'Cannot x: y', { phase: 'guest', node: 'node2' });
  assert.equal(
    renderError(error, { program: 'vtorque' }).text,
    'vtorque: Cannot x: y\n  phase: guest\n  node: node2\n',
  );
  assert.equal(JSON.parse(renderError(error, { program: 'vtorque', json: true }).text).error.node, 'node2');
});

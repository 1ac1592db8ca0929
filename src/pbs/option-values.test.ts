import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAttribute } from './attributes.ts';
import { checkOptionValue } from './option-values.ts';
import { checkScriptName, checkScriptText } from './script-text.ts';

const refused = (name: string, value: string, text = `[qsub: illegal -${name} value]`): void =>
  assert.throws(
    () => checkOptionValue(name, value),
    { code: 'E_QSUB', message: text, exitCode: 2 },
    `-${name} ${value}`,
  );

test('values that the real qsub refuses before it asks the server', () => {
  refused('N', 'bad name');
  refused('a', '9999');
  refused('m', 'zz');
  refused('p', '5000');
  refused('p', '-1025');
  refused('j', 'zz');
  refused('r', 'maybe', '[qsub: illegal -r value (y/n)]');
  refused('S', 'ok.sh');
  refused('k', 'z');
  refused('c', 'zz');
  refused('K', 'x');
  refused('i', 'foo', "[qsub: illegal -i value 'foo']");
  refused('M', 'a b');
  refused('o', '');
  refused('o', ' ');
  refused('u', 'a,b');
  refused('L', 'x=1', "[qsub: illegal -L value: 'x=1']");
  refused('P', '', '[qsub: -P requires a user name]');
});

test('values that it accepts', () => {
  const accepted: [string, string][] = [
    ['N', '0123456789abcdefgh'],
    ['a', '1230'],
    ['a', '202612312359.59'],
    ['m', 'abe'],
    ['m', 'n'],
    ['p', '-1024'],
    ['p', '+1023'],
    ['j', 'oe'],
    ['k', 'eo'],
    ['c', 'enabled,interval=5'],
    ['r', 'y'],
    ['S', '/bin/bash@n1,/bin/sh'],
    ['M', 'a@x,a@x'],
    ['o', '/a b'],
    ['e', 'host:/x'],
    ['o', 'host:'],
    ['K', '30'],
    ['A', ''],
    ['q', 'anything'],
    ['T', 'vt'],
  ];
  for (const [name, value] of accepted) assert.doesNotThrow(() => checkOptionValue(name, value), `-${name} ${value}`);
});

test('an attribute has a name, or is an extension', () => {
  assert.deepEqual(parseAttribute('umask=022'), { name: 'umask', value: '022' });
  assert.deepEqual(parseAttribute(' depend = afterok:1 '), { name: 'depend', value: 'afterok:1 ' });
  assert.deepEqual(parseAttribute('QOS:high'), { name: 'x', value: 'QOS:high' });
  assert.throws(() => parseAttribute(' '), { exitCode: 2 });
});

test('a script must be text with plain line ends, as far as qsub looks', () => {
  const check = (text: string | Buffer): void => checkScriptText(Buffer.from(text));
  check(
    '#!/bin/sh\necho ä behind the first fifty bytes is fine, since qsub does not look there: ä\n'.replace('ä', 'a'),
  );
  check('');
  check('\n');
  check('a\rb\n');
  const ascii = { message: 'qsub:  file must be an ascii script', exitCode: 1 };
  assert.throws(() => check('\x7fELF\0\0'), ascii);
  assert.throws(() => check('# ä\n'), ascii);
  const dos = { message: 'qsub:  script is written in DOS/Windows text format', exitCode: 1 };
  assert.throws(() => check('#!/bin/sh\r\n'), dos);
  assert.throws(() => check(`#!/bin/sh\n${'#\n'.repeat(5000)}x\r\n`), { ...dos, hint: /^Line 5002 ends/ });
  assert.throws(() => check('echo\na\r'.padEnd(10, 'x').slice(0, 8)), dos);
});

test('a script name must do for a job name', () => {
  checkScriptName('job.sh');
  const refusal = { message: '[qsub: cannot form a valid job name from the script name]', exitCode: 2 };
  assert.throws(() => checkScriptName('my job.sh'), refusal);
  assert.throws(() => checkScriptName('jöb.sh'), refusal);
});

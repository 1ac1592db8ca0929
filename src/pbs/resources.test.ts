import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VtorqueError } from '../base/index.ts';
import { nodeCount, parseNodes } from './nodes.ts';
import { formatWalltime, normaliseMem, parseMem, parseWalltime } from './quantities.ts';
import { checkMaySet, mergeResources, parseResourceList } from './resources.ts';

const pairs = (text: string): [string, string][] => parseResourceList(text).map(({ name, value }) => [name, value]);

test('a resource list is split at its commas', () => {
  assert.deepEqual(pairs('nodes=2:ppn=4:gpus=1+n3:ppn=2,walltime=1:00:00'), [
    ['nodes', '2:ppn=4:gpus=1+n3:ppn=2'],
    ['walltime', '1:00:00'],
  ]);
  assert.deepEqual(pairs(' mem = 1gb, walltime=5'), [
    ['mem', '1gb'],
    ['walltime', '5'],
  ]);
  assert.deepEqual(pairs(''), []);
});

test('quotes and brackets protect commas', () => {
  assert.deepEqual(pairs(`other="a,b",x='c,d',h=n[1,2],z=1`), [
    ['other', 'a,b'],
    ['x', 'c,d'],
    ['h', 'n[1,2]'],
    ['z', '1'],
  ]);
});

test('gpus are a generic resource', () => {
  assert.deepEqual(pairs('gpus=2'), [['gres', 'gpus:2']]);
});

test('lists that qsub refuses', () => {
  const refused = (text: string, message: string, exitCode: number): void =>
    assert.throws(() => parseResourceList(text), { message, exitCode });
  refused('walltime=1,', '[qsub: illegal -l value]', 2);
  refused('=1', '[qsub: illegal -l value]', 2);
  refused('nodes=1,procs=2', '[qsub: illegal -l value]', 2);
  refused('foo', "Cannot find an attr=value pair in comma separated value 'foo'", 1);
});

test('any resource list is read or refused', () => {
  const text = fc.string({ unit: fc.constantFrom(...`ab=,:+'"[] 1`), maxLength: 20 });
  fc.assert(
    fc.property(text, (list) => {
      try {
        parseResourceList(list);
      } catch (error) {
        assert.ok(error instanceof VtorqueError);
      }
    }),
    { numRuns: 10_000 },
  );
});

test('later requests beat earlier ones, the command line beats the script', () => {
  const merged = mergeResources(parseResourceList('mem=3gb'), parseResourceList('mem=1gb,walltime=5,walltime=6'));
  assert.deepEqual(Object.fromEntries(merged), { mem: '3gb', walltime: '6' });
});

test('nodes are counted or named, with slots, GPUs and features', () => {
  assert.deepEqual(parseNodes('2:ppn=4:gpus=1+n3:ppn=2:big'), [
    { count: 2, ppn: 4, gpus: 1, properties: [] },
    { count: 1, host: 'n3', ppn: 2, gpus: 0, properties: ['big'] },
  ]);
  assert.equal(nodeCount(parseNodes('2+n3+ppn=2')), 4);
  assert.deepEqual(parseNodes('2#excl')[0]?.properties, ['excl']);
});

test('nodes that Torque cannot read are illegal values, nodes that make no sense are invalid syntax', () => {
  for (const bad of ['', '1++2', '1+', '+1', '-1', '1:', '1x', '1 ', '1;mem=1', ':ppn=2']) {
    assert.throws(() => parseNodes(bad), { exitCode: 168, message: /Illegal attribute or resource value/ }, bad);
  }
  for (const bad of ['0', '1:ppn=0', '1:ppn=x', '1:ppn=', '1:PPN=2', '1:procs=2', '1:gpus=0']) {
    assert.throws(() => parseNodes(bad), { exitCode: 27, message: /MSG=Invalid Syntax/ }, bad);
  }
});

test('sizes are shown as the server writes them', () => {
  const shown = ['1GB', '1g', '1', '010mb', '0x10mb', '+5mb', '10mw'].map((text) => normaliseMem(text));
  assert.deepEqual(shown, ['1gb', '1gb', '1b', '8mb', '16mb', '5mb', '10mw']);
});

test('what only the server sets is refused in its words', () => {
  assert.throws(() => checkMaySet(new Map([['nodect', '5']])), {
    exitCode: 155,
    message: 'qsub: submit error (Cannot set attribute, read only or insufficient permission  Resource_List.nodect)',
  });
  checkMaySet(new Map([['nodes', '5']]));
});

test('times are seconds with or without minutes, hours, days', () => {
  assert.equal(parseWalltime('90'), 90);
  assert.equal(parseWalltime('02:03'), 123);
  assert.equal(parseWalltime('1:00:00'), 3600);
  assert.equal(parseWalltime('2:00:00:01'), 172_801);
  assert.equal(parseWalltime('1.5'), 2);
  assert.equal(parseWalltime('1.4'), 1);
  for (const bad of ['xx', '-5', '1:2:3:4:5', '5s']) assert.throws(() => parseWalltime(bad), { exitCode: 168 });
});

test('a time printed is read back', () => {
  fc.assert(
    fc.property(fc.nat(10_000_000), (seconds) => assert.equal(parseWalltime(formatWalltime(seconds)), seconds)),
  );
  assert.equal(formatWalltime(99), '00:01:39');
});

test('sizes are numbers of bytes or words with a multiple', () => {
  assert.equal(parseMem('100mb'), 104_857_600);
  assert.equal(parseMem('2GB'), 2 ** 31);
  assert.equal(parseMem('1k'), 1024);
  assert.equal(parseMem('5'), 5);
  assert.equal(parseMem('2kw'), 16_384);
  assert.equal(parseMem('1b'), 1);
  for (const bad of ['abc', '', '1gib', '1bb', '-1mb']) assert.throws(() => parseMem(bad), { exitCode: 168 });
});

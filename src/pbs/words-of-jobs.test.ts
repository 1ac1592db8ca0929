import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseArray } from './arrays.ts';
import { filePrefix, formatJobId, parseJobId } from './job-id.ts';
import { formatNodeFile, parseNodeFile } from './node-file.ts';
import { formatVariables, parseVariables, readVariableList, variableNames } from './variables.ts';

test('variables have their values in the list or in the environment', () => {
  assert.deepEqual(parseVariables('A=1,B=x y,C,D=,E', { D: 'dd', E: `a,b"c'd\\e` }), [
    ['A', '1'],
    ['B', 'x y'],
    ['C', ''],
    ['D', 'dd'],
    ['E', `a,b"c'd\\e`],
  ]);
  assert.deepEqual(variableNames('A=1,B'), ['A', 'B']);
});

test('a variable that is not there is empty, also when it is called as every object has it', () => {
  assert.deepEqual(parseVariables('valueOf,toString,constructor', process.env), [
    ['valueOf', ''],
    ['toString', ''],
    ['constructor', ''],
  ]);
});

test('quotes are part of a value, as in Torque', () => {
  assert.deepEqual(parseVariables(`Q="x y",R='z'`, {}), [
    ['Q', '"x y"'],
    ['R', "'z'"],
  ]);
});

test('a list that begins with a separator is refused as by qsub', () => {
  assert.throws(() => parseVariables('=x', {}), { message: 'invalid -v syntax', exitCode: 3 });
  assert.throws(() => parseVariables('A=1,,B', {}), { exitCode: 3 });
});

test('a list that ends with a comma ends', () => {
  assert.deepEqual(parseVariables('A,', { A: '1' }), [['A', '1']]);
  assert.deepEqual(parseVariables('A=1,', {}), [['A', '1']]);
});

test('variables written as a list are read back', () => {
  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,8}$/);
  const value = fc.string({ unit: fc.constantFrom(...`ab ,='"\\\n`), maxLength: 12 }).map((text) => `(${text})`);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, value)), (variables) => {
      assert.deepEqual(readVariableList(formatVariables(variables)), variables);
    }),
  );
});

test('arrays are ranges and numbers, with a limit', () => {
  assert.deepEqual(parseArray('1-3,7%2'), { indexes: [1, 2, 3, 7], slotLimit: 2 });
  assert.deepEqual(parseArray('5,1,1-2'), { indexes: [1, 2, 5] });
  assert.deepEqual(parseArray('0'), { indexes: [0] });
  for (const bad of ['x', '', '3-1', '1-', '1-2-3', '100000', '0-99999,0-99999,0-99999'])
    assert.throws(() => parseArray(bad), { exitCode: 235 });
});

test('job ids of jobs, arrays and elements are read and written', () => {
  for (const id of ['121.head', '121[].head', '121[1].head.example.org', '121', '121[7]']) {
    const parsed = parseJobId(id);
    assert.ok(parsed);
    assert.equal(formatJobId(parsed), id);
  }
  for (const bad of ['', 'x', '1[', '1.', '1[a].h', '../1', '1.h/..', '-1']) assert.equal(parseJobId(bad), undefined);
});

test('the files of an element have no brackets in their names', () => {
  assert.equal(filePrefix({ sequence: 121, element: 1, server: 'head' }), '121-1.head');
  assert.equal(filePrefix({ sequence: 121, server: 'head' }), '121.head');
});

test('a node file has a line per slot', () => {
  const hosts = [
    { host: 'n1', slots: 2 },
    { host: 'n2', slots: 1 },
  ];
  assert.equal(formatNodeFile(hosts), 'n1\nn1\nn2\n');
  assert.deepEqual(parseNodeFile('n1\nn1\nn2\n'), hosts);
  assert.deepEqual(parseNodeFile('n1\nn2\nn1\n\n'), hosts);
});

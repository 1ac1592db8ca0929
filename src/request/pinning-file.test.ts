import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { checkPinningFile, parsePinningFile } from './pinning-file.ts';

const refusal = (work: () => unknown): string => {
  try {
    work();
  } catch (error) {
    return (error as Error).message;
  }
  return 'taken';
};

test('parsePinningFile() reads lines VM VCPU CPU, with comments, in any order', () => {
  const text = '# near the card\n1 1 3  # second\n\n  1\t0 2\n2 0 7\n';
  assert.deepEqual(parsePinningFile('pins', text), {
    file: 'pins',
    cpus: [
      { vm: 1, vcpu: 0, cpu: 2 },
      { vm: 1, vcpu: 1, cpu: 3 },
      { vm: 2, vcpu: 0, cpu: 7 },
    ],
  });
});

test('parsePinningFile() says what is wrong, and where', () => {
  const wrong = {
    '1 0': 'line 1 is "1 0"',
    '1 0 2\n0 0 1': 'line 2 is "0 0 1"',
    '1 0 -1': 'line 1 is "1 0 -1"',
    '1 0 2\n1 0 3': 'line 2 names virtual CPU 0 of VM 1 again',
    '1 0 2\n\n1 1 2': 'line 3 names CPU 2, which line 1 has',
    '# nothing\n': 'nothing stands in it',
  };
  for (const [text, state] of Object.entries(wrong)) {
    assert.equal(
      refusal(() => parsePinningFile('pins', text)),
      `Cannot use vcpu_pinning="pins": ${state}`,
    );
  }
});

test('parsePinningFile() takes what it has read, written again', () => {
  const lines = fc.uniqueArray(fc.record({ vm: fc.integer({ min: 1, max: 9 }), vcpu: fc.nat(9), cpu: fc.nat(99) }), {
    minLength: 1,
    selector: ({ cpu }) => cpu,
    comparator: (a, b) => a === b,
  });
  fc.assert(
    fc.property(lines, (cpus) => {
      const unique = [...new Map(cpus.map((line) => [`${line.vm} ${line.vcpu}`, line])).values()];
      const text = unique.map(({ vm, vcpu, cpu }) => `${vm} ${vcpu} ${cpu}\n`).join('');
      const read = parsePinningFile('pins', text).cpus ?? [];
      assert.deepEqual(
        new Set(read.map((line) => JSON.stringify(line))),
        new Set(unique.map((line) => JSON.stringify(line))),
      );
    }),
  );
});

test('checkPinningFile() wants each virtual CPU of each VM of a node, and no other', () => {
  const map = parsePinningFile('pins', '1 0 2\n1 1 3\n2 0 4\n2 1 5\n');
  const check = (vms: number, vcpus: number) => refusal(() => checkPinningFile(map, vms, vcpus));
  assert.equal(check(2, 2), 'taken');
  assert.match(check(2, 3), /: virtual CPU 2 of VM 1 is missing$/);
  assert.match(check(3, 2), /: virtual CPU 0 of VM 3 is missing$/);
  assert.match(check(1, 2), /: it has virtual CPU 0 of VM 2, and a node has one VM with 2 virtual CPUs$/);
});

import assert from 'node:assert/strict';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { qemuArguments } from '../src/vm/index.ts';
import { aSpec } from '../src/vm/test-spec.ts';
import { execute } from './support/cluster.ts';

/**
 * Firmware in the 16 bytes with which a processor begins: an addition under LOCK, which is how Linux has devices see what it has written before it looks at
 * what they have; MFENCE, which is the other way; and a word to the device that ends the machine.
 */
const firmware = Buffer.concat([Buffer.alloc(64 * 1024 - 16), Buffer.from('f083060406000faef0e6f4f490909090', 'hex')]);

for (const [vcpus, how] of [
  [1, 'one virtual CPU'],
  [2, 'two virtual CPUs'],
] as const) {
  test(`a guest with ${how} keeps its memory barriers when QEMU translates it`, async () => {
    await using directory = await mkdtempDisposable('/tmp/vtt-barriers-');
    const bios = join(directory.path, 'bios');
    await writeFile(bios, firmware);
    const line = qemuArguments(aSpec({ vcpus }), { qmp: 3, console: 4, agent: 5 });
    const machine = ['-accel', '-cpu', '-smp'].flatMap((option) => [option, line[line.indexOf(option) + 1] ?? '']);
    const log = join(directory.path, 'log');
    const { code, stderr } = await execute(
      [
        ...['qemu-system-x86_64', '-nodefaults', '-display', 'none', ...machine, '-bios', bios],
        ...['-device', 'isa-debug-exit,iobase=0xf4', '-d', 'op', '-D', log],
      ],
      { timeoutMs: 60_000 },
    );
    assert.ok(code !== null && code % 2 === 1, stderr);
    const operations = await readFile(log, 'utf8');
    assert.match(operations, /call atomic_add_fetch/);
    assert.match(operations, /^ mb /m);
  });
}

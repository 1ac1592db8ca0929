import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { withPinningFile } from './pinning-file.ts';

const work = mkdtempSync(join(tmpdir(), 'vtorque-pins-'));
after(() => rmSync(work, { recursive: true, force: true }));
const request = (file: string) => ({ img: 'host', vcpus: 1, ram: 2 ** 30, vcpuPinning: { file } });

test('what stands in the file of vcpu_pinning=FILE goes with the job', async () => {
  const file = join(work, 'pins');
  writeFileSync(file, '1 0 3\n');
  const { vcpuPinning } = await withPinningFile(request(file));
  assert.deepEqual(vcpuPinning, { file, cpus: [{ vm: 1, vcpu: 0, cpu: 3 }] });
});

test('what is no file, too large, or not there is refused before it is read', async () => {
  const large = join(work, 'large');
  writeFileSync(large, Buffer.alloc(1_000_001, '\n'));
  for (const [file, message] of [
    ['/dev/null', /it is no file$/],
    [work, /it is no file$/],
    [large, /more than 1000000 bytes$/],
    [join(work, 'none'), /there is no such file$/],
  ] as const) {
    await assert.rejects(withPinningFile(request(file)), { code: 'E_PINNING_FILE', phase: 'check', message });
  }
});

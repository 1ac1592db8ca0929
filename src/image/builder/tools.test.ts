import assert from 'node:assert/strict';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import { checkSpace } from './tools.ts';

test('checkSpace() says how much there is and how much is needed', async () => {
  await checkSpace('debian-12', tmpdir(), 1);
  await assert.rejects(checkSpace('debian-12', tmpdir(), 2 ** 52), {
    code: 'E_DISK_SPACE',
    message: /^Cannot make image "debian-12": ".*" has \d+[MGT] free and 4096T are needed$/,
  });
});

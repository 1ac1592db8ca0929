import assert from 'node:assert/strict';
import { mkdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { aSite } from '../test-support.ts';
import { writeAdditions } from './additions.ts';

test('writeAdditions() lays out files and commands as the image shall have them', async () => {
  await using site = await aSite();
  await mkdir(join(site.dir, 'work'));
  const file = { path: '/opt/my/tool', content: Buffer.from('tool'), mode: 0o755 };
  const commands = ['echo "a  b"', 'exit 3'];
  const hook = await writeAdditions({ files: [file], commands }, join(site.dir, 'work'));
  assert.equal((await stat(hook)).mode & 0o111, 0o111);
  const files = join(site.dir, 'work/additions/files');
  assert.equal(await readFile(join(files, 'opt/my/tool'), 'utf8'), 'tool');
  assert.equal((await stat(join(files, 'opt/my/tool'))).mode & 0o777, 0o755);
  assert.equal(await readFile(join(files, 'vtorque-build/commands.sh'), 'utf8'), 'echo "a  b"\nexit 3\n');
});

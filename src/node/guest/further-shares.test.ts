import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { checkMountSources, furtherShares } from './further-shares.ts';

const work = realpathSync(mkdtempSync(join(tmpdir(), 'vtorque-further-')));
after(() => rmSync(work, { recursive: true, force: true }));
mkdirSync(join(work, 'data'));
symlinkSync('data', join(work, 'link'));
writeFileSync(join(work, 'file'), '');

const home = { source: '/home/u', targets: ['/home/u', '/link'] };
const mount = (host: string, guest: string, readonly = false) => ({ host, guest, readonly });

test('furtherShares() shares the directory behind a link, where the job wants it', async () => {
  assert.deepEqual(await furtherShares({ mounts: [mount(join(work, 'link'), '/data', true)] }, [home]), [
    { source: join(work, 'data'), targets: ['/data'], readonly: true },
  ]);
});

test('furtherShares() refuses what is not a directory of this node', async () => {
  const refused = (host: string, message: RegExp) =>
    assert.rejects(furtherShares({ mounts: [mount(host, '/data')] }, []), {
      code: 'E_MOUNT_SOURCE',
      phase: 'storage',
      message,
    });
  await refused(join(work, 'none'), /there is none on this node$/);
  await refused(join(work, 'file'), /it is not a directory$/);
});

test('checkMountSources() refuses before the job is queued what no node can share', async () => {
  const check = (host: string, nodesAreHere: boolean) => checkMountSources([mount(host, '/data')], nodesAreHere);
  const refused = { code: 'E_MOUNT_SOURCE', phase: 'check' };
  for (const nodesAreHere of [true, false]) {
    await assert.rejects(check(join(work, 'file'), nodesAreHere), { ...refused, message: /it is not a directory$/ });
    await check(join(work, 'link'), nodesAreHere);
  }
  await assert.rejects(check(join(work, 'none'), true), { ...refused, message: /there is none on this node$/ });
  await check(join(work, 'none'), false);
});

test('furtherShares() lets no folder hide another', async () => {
  const data = join(work, 'data');
  for (const mounts of [
    [mount(data, '/home/u/data')],
    [mount(data, '/link')],
    [mount(data, '/home')],
    [mount(data, '/a/b'), mount(data, '/a')],
  ]) {
    await assert.rejects(furtherShares({ mounts }, [home]), { code: 'E_MOUNT_TARGET', phase: 'storage' });
  }
});

test('furtherShares() leaves /data to a disk, which hides no folder either', async () => {
  const disk = { file: '/w/d.raw' };
  const request = { disk, mounts: [mount(join(work, 'data'), '/data')] };
  await assert.rejects(furtherShares(request, []), { code: 'E_MOUNT_TARGET', message: /"\/data" is mounted there$/ });
  const home = { source: '/data/home/u', targets: ['/data/home/u'] };
  await assert.rejects(furtherShares({ disk }, [home]), {
    message: 'Cannot mount "/w/d.raw" at "/data": "/data/home/u" is mounted there',
  });
  assert.deepEqual(await furtherShares({ disk }, []), []);
});

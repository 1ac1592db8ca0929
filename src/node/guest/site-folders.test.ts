import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { planShares } from '../../storage/index.ts';
import { siteOpt, siteWorkspace } from './site-folders.ts';

const work = realpathSync(mkdtempSync(join(tmpdir(), 'vtt-site-folders-')));
after(() => rmSync(work, { recursive: true, force: true }));
const at = (name: string): string => join(work, name);
mkdirSync(at('ws/home'), { recursive: true });
mkdirSync(at('opt'));
symlinkSync('ws', at('link'));

test('the workspace is shared at /workspace and by every path that leads to it', async () => {
  const wanted = await siteWorkspace({ workspace: at('link') });
  assert.deepEqual(planShares(wanted), [{ source: at('ws'), targets: [at('ws'), at('link'), '/workspace'] }]);
});

test('a home inside the workspace is one share with it', async () => {
  const home = { path: at('ws/home'), real: at('ws/home') };
  const [share, ...others] = planShares([home, ...(await siteWorkspace({ workspace: at('ws') }))]);
  assert.deepEqual([share, others], [{ source: at('ws'), targets: [at('ws'), '/workspace'] }, []]);
});

test("the cluster's software is read-only at /opt-hpc, and where the node has it unless that is taken", async () => {
  assert.deepEqual(await siteOpt({ opt: at('opt') }, []), [
    { source: at('opt'), targets: ['/opt-hpc', at('opt')], readonly: true },
  ]);
  const around = { source: work, targets: [work] };
  assert.deepEqual(await siteOpt({ opt: at('opt') }, [around]), [
    { source: at('opt'), targets: ['/opt-hpc'], readonly: true },
  ]);
});

test('a site without them has none, and a node that lacks one fails the job', async () => {
  assert.deepEqual([await siteWorkspace({ workspace: '' }), await siteOpt({ opt: '' }, [])], [[], []]);
  const failure = { code: 'E_SITE_FOLDER', phase: 'storage', message: /": there is none on this node$/ };
  await assert.rejects(siteWorkspace({ workspace: at('none') }), failure);
  await assert.rejects(siteOpt({ opt: at('none') }, []), failure);
  await assert.rejects(siteWorkspace({ workspace: '/usr' }), { code: 'E_SITE_FOLDER', message: /of their own system/ });
});

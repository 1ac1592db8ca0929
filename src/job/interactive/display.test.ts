import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { constants, hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type GuestAgent, GuestCallError } from '../../guest/linux/index.ts';
import type { GuestIdentity } from '../../node/guest/index.ts';
import { authorityFile, COOKIE_PROTOCOL } from '../../x11/index.ts';
import { forwardDisplay, jobDisplay } from './display.ts';

test('a job without a display, with no name of one, or without its cookie is told so', async () => {
  await assert.rejects(jobDisplay({}), {
    code: 'E_DISPLAY',
    message: 'Cannot forward X11: the job has no DISPLAY',
    phase: 'plan',
  });
  await assert.rejects(jobDisplay({ DISPLAY: 'desk' }), { code: 'E_DISPLAY', message: /not the name of a display$/ });
  await assert.rejects(jobDisplay({ DISPLAY: ':0' }), { code: 'E_DISPLAY', message: /no MIT-MAGIC-COOKIE-1 for it/ });
});

test('a display that does not answer is told', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'vtorque-x11-'));
  try {
    const XAUTHORITY = join(directory, 'Xauthority');
    writeFileSync(XAUTHORITY, authorityFile(hostname(), 59_000, COOKIE_PROTOCOL, Buffer.alloc(16)));
    await assert.rejects(jobDisplay({ DISPLAY: ':59000', XAUTHORITY }), { code: 'E_DISPLAY', message: /ENOENT/ });
  } finally {
    rmSync(directory, { recursive: true });
  }
});

test('the guest’s display has the first number that is free there, and the screen of the job’s', async () => {
  const listens: number[] = [];
  const agent = {
    listen: async (port: number) => {
      listens.push(port);
      if (port < 6012) throw new GuestCallError('listen', constants.errno.EADDRINUSE, '');
    },
    batch: async () => {},
    accept: () => ({ started: Promise.reject(new Error('the guest is gone')) }),
  } as unknown as GuestAgent;
  const identity = { vm: { name: 'vn1-1' }, context: { owner: { uid: 1, gid: 1 } } } as unknown as GuestIdentity;
  const display = { host: '', number: 0, screen: 2 };
  const env = await forwardDisplay(agent, { display, cookie: Buffer.alloc(16) }, identity);
  assert.deepEqual(env, { DISPLAY: 'localhost:12.2', XAUTHORITY: '/run/vtorque/x11/Xauthority' });
  assert.deepEqual(listens, [6010, 6011, 6012]);
});

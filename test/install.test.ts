// An ordinary user's installation: the tree runs a job by itself, and goes without a trace.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lstat, mkdir, mkdtemp, readdir, readFile, readlink, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { waitForJob } from '../src/engine/embedded/index.ts';
import { publicRoot } from '../src/site/public-root.ts';
import { execute, patienceMs } from './support/cluster.ts';
import { expectNoResidue, lookForResidue, type Residue } from './support/residue.ts';
import { aUser, type TestUser } from './support/users.ts';

let clean: Residue;
let user: TestUser;
let base: string;
let prefix: string;
let environment: Readonly<Record<string, string>>;

before(async () => {
  clean = await lookForResidue();
  user = aUser();
  base = await mkdtemp(join(tmpdir(), 'vtt-'));
  await chmod(base, 0o755);
  // Compute nodes have no Node: whoever calls one by its name gets this.
  const poison = join(base, 'bin');
  await mkdir(poison);
  await writeFile(join(poison, 'node'), '#!/bin/sh\necho "no node here" >&2\nexit 99\n', { mode: 0o755 });
  const home = join(base, 'home');
  await mkdir(home);
  if (user.become.length > 0) await execute(['chown', `${user.uid}:${user.gid}`, home], {});
  prefix = join(home, 'opt/vtorque');
  const installed = join(prefix, 'current');
  environment = {
    ...{ HOME: home, USER: user.name, LOGNAME: user.name, SHELL: '/bin/bash', LANG: 'C.UTF-8' },
    ...{ XDG_STATE_HOME: join(base, 'home/other/state'), XDG_CACHE_HOME: join(base, 'home/other/cache') },
    VTORQUE_LOCAL: join(home, 'other/local'),
    PATH: [poison, join(installed, 'bin'), join(installed, 'libexec/pbs'), '/usr/bin:/bin:/usr/sbin:/sbin'].join(':'),
  };
  await as('mkdir', '-p', join(home, 'other/state'), join(home, 'other/cache'));
});

after(async () => {
  await rm(base, { recursive: true, force: true });
  user[Symbol.dispose]();
  await expectNoResidue(clean);
});

function command(...words: string[]): string[] {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return [...user.become, 'env', '-i', ...variables, ...words];
}

async function as(...words: string[]): Promise<string> {
  const { code, stdout, stderr } = await execute(command(...words), { cwd: join(base, 'home') });
  assert.equal(code, 0, `${words.join(' ')}: ${stderr}`);
  return stdout;
}

/** What is in the user's home, besides what jobs leave by design. */
async function homeTree(): Promise<string[]> {
  const names = await readdir(join(base, 'home'), { recursive: true });
  const own = names.filter((name) => !name.startsWith('other/')).sort();
  return Promise.all(own.map(async (name) => `${name} ${(await lstat(join(base, 'home', name))).mode}`));
}

const install = async (): Promise<string[]> => [
  ...[join(await publicRoot(), 'bin/vtorque'), 'install', '--role', 'head', '--engine', 'embedded', '--prefix', prefix],
];

test('an installed tree runs a job in a VM without any other Node, and uninstall leaves the home as it was', async () => {
  const empty = await homeTree();
  await as(...(await install()));
  await writeFile(join(base, 'home/other/job.sh'), '#!/bin/sh\ncat /sys/class/dmi/id/sys_vendor; id -u; exit 3\n');
  await as('vtorque', 'local', 'start', '--np', '1');
  try {
    const words = ['-vm', 'img=host,vcpus=1,ram=512M', '-o', join(base, 'home/other/out'), 'other/job.sh'];
    const id = (await as('vsub', ...words)).trim();
    const { exitStatus } = await waitForJob(id, AbortSignal.timeout(patienceMs), environment);
    assert.deepEqual([await readFile(join(base, 'home/other/out'), 'utf8'), exitStatus], [`QEMU\n${user.uid}\n`, 3]);
  } finally {
    await as('vtorque', 'local', 'stop', '--kill-jobs');
  }
  await rm(join(base, 'home/job.sh.e1'), { force: true });
  await as('vtorque', 'uninstall');
  assert.deepEqual(await homeTree(), empty);
});

test('an installation that is killed at any moment leaves no half version, and can be taken away', async () => {
  const empty = await homeTree();
  const words = await install();
  for (const ms of [150, 200, 250, 300, 400, 600]) {
    const [program = '', ...args] = command(...words);
    const child = spawn(program, args, { stdio: 'ignore', detached: true });
    const ended = once(child, 'close');
    await Promise.race([ended, delay(ms)]);
    child.kill('SIGKILL');
    await ended;
    const current = await readlink(join(prefix, 'current')).catch(() => undefined);
    if (current === undefined) continue;
    const { files } = JSON.parse(await readFile(join(prefix, current, 'manifest.json'), 'utf8'));
    for (const { path } of files) await lstat(join(prefix, current, path));
  }
  await as(...words);
  assert.match(await as('vtorque', '--version'), /^vtorque \d/);
  await as('vtorque', 'uninstall');
  assert.deepEqual(await homeTree(), empty);
});

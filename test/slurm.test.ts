import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { SlurmEngine } from '../src/engine/slurm/engine.ts';
import { publicRoot } from '../src/site/public-root.ts';
import { type CommandResult, execute, patienceMs } from './support/cluster.ts';
import { expectNoResidue, lookForResidue, type Residue } from './support/residue.ts';
import { startSlurm, type TestSlurm, whyNoSlurm } from './support/slurm.ts';
import { aUser, type TestUser } from './support/users.ts';

const skip = await whyNoSlurm();

describe('vsub on a real Slurm', { skip }, () => {
  let slurm: TestSlurm;
  let user: TestUser;
  let work: string;
  let clean: Residue;
  let engine: SlurmEngine;

  before(async () => {
    clean = await lookForResidue();
    slurm = await startSlurm();
    user = aUser();
    work = join(user.home, 'work');
    await mkdir(work);
    await execute(['chown', `${user.uid}:${user.gid}`, work], {});
    engine = new SlurmEngine({ ...process.env, ...slurm.env });
  });

  after(async () => {
    await slurm[Symbol.asyncDispose]();
    user[Symbol.dispose]();
    await expectNoResidue(clean);
  });

  async function vsub(args: readonly string[], input?: string): Promise<CommandResult> {
    const root = await publicRoot();
    const env = {
      ...slurm.env,
      PATH: `${join(root, 'bin')}:/usr/bin:/bin`,
      ...{ HOME: user.home, USER: user.name, LOGNAME: user.name, SHELL: '/bin/bash', LANG: 'C.UTF-8' },
    };
    const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    return execute([...user.become, 'env', '-i', ...assignments, 'vsub', ...args], { cwd: work, input });
  }

  async function submit(args: readonly string[], script: string, name = 'job.sh'): Promise<string> {
    await writeFile(join(work, name), script, { mode: 0o644 });
    const { code, stdout, stderr } = await vsub([...args, name]);
    assert.equal(code, 0, stderr);
    return stdout.trim();
  }

  /** @returns its exit status */
  async function ended(id: string): Promise<number | undefined> {
    for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await delay(100)) {
      const job = (await engine.status([id])).get(id);
      if (job?.state === 'complete') return job.exitStatus;
    }
    throw new Error(`job ${id} does not end`);
  }

  const read = (name: string): Promise<string> => readFile(join(work, name), 'utf8');

  test('its nodes and queues are told', async () => {
    assert.deepEqual(
      (await engine.nodes()).map(({ name, np }) => [name, np]),
      [
        ['n1', 4],
        ['n2', 4],
        ['n3', 4],
      ],
    );
    assert.deepEqual(await engine.queues(), ['batch']);
    assert.deepEqual(await engine.liveJobs(), { known: true, cluster: 'vtt', ids: new Set() });
  });

  test('a job without a VM has the variables, files and exit code of qsub', async () => {
    const script = '#PBS -N named\n#PBS -v A="x y"\necho "$A"; pwd; echo "$PBS_O_WORKDIR"; echo oops >&2; exit 3\n';
    const id = await submit(['-l', 'nodes=1:ppn=2'], script);
    assert.equal(await ended(id), 3);
    assert.equal(await read(`named.o${id}`), `x y\n${user.home}\n${work}\n`);
    assert.equal(await read(`named.e${id}`), 'oops\n');
  });

  test('a job in a VM runs as the user in a guest, with what PBS sets', async () => {
    const lines = [
      'hostname',
      'id -u',
      'echo "$PBS_JOBID $PBS_NP $1"',
      'cat "$PBS_NODEFILE"',
      'echo oops >&2',
      'exit 3',
    ];
    const script = `#!/bin/sh\n#PBS -vm ram=512M\n${lines.join('\n')}\n`;
    const id = await submit(['-vm', 'img=host,vcpus=2', '-l', 'nodes=1:ppn=2', '-F', "'a b'"], script, 'vm.sh');
    assert.equal(await ended(id), 3, await read(`vm.sh.e${id}`));
    const [host, ...rest] = (await read(`vm.sh.o${id}`)).trimEnd().split('\n');
    assert.match(host ?? '', /^vn[123]-1$/);
    assert.deepEqual(rest, [`${user.uid}`, `${id} 2 a b`, `${host}`, `${host}`]);
    assert.equal(await read(`vm.sh.e${id}`), 'oops\n');
  });

  test('a job over several nodes has a VM on each, and its script in the first', async () => {
    const script = '#!/bin/sh\ncat "$PBS_NODEFILE"; echo "$PBS_NUM_NODES"\n';
    const id = await submit(['-vm', 'img=host,vcpus=1,ram=256M', '-l', 'nodes=3:ppn=1'], script, 'three.sh');
    assert.equal(await ended(id), 0, await read(`three.sh.e${id}`));
    assert.equal(await read(`three.sh.o${id}`), 'vn1-1\nvn2-1\nvn3-1\n3\n');
  });

  test('an array has a VM for each element', async () => {
    const id = await submit(
      ['-t', '1-2', '-vm', 'img=host,ram=256M'],
      '#!/bin/sh\necho "$PBS_JOBID $PBS_ARRAYID"\n',
      'a.sh',
    );
    for (const element of [1, 2]) {
      assert.equal(await ended(`${id}_${element}`), 0);
      assert.equal(await read(`a.sh.o${id}-${element}`), `${id}_${element} ${element}\n`);
    }
  });

  test('a job that is cancelled gives its script TERM, and leaves nothing', async () => {
    const script = '#!/bin/sh\ntrap "echo bye; exit 9" TERM\necho up > up\nwhile :; do sleep 0.1; done\n';
    const id = await submit(['-d', '.', '-vm', 'img=host,ram=256M'], script, 'cancel.sh');
    for (const deadline = Date.now() + patienceMs; ; await delay(100)) {
      if (await read('up').catch(() => undefined)) break;
      assert.ok(Date.now() < deadline, 'it runs');
    }
    await engine.cancel([id]);
    await ended(id);
    assert.match(await read(`cancel.sh.o${id}`), /^bye\n/);
    await expectNoResidue(clean, 30_000);
  });

  test('what Slurm has nothing for is refused before anything is queued', async () => {
    const { code, stderr } = await vsub(['-W', 'umask=022', '-vm', 'ram=512M'], 'true\n');
    assert.equal(code, 1);
    assert.match(stderr, /^vsub: Cannot use -W umask=022: Slurm has nothing that means the same\n {2}hint: /);
    assert.equal((await vsub(['-t', 'x'], 'true\n')).code, 235);
  });
});

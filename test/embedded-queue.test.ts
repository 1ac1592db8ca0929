import assert from 'node:assert/strict';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { seq, useBatch } from './support/embedded.ts';
import { isRoot } from './support/users.ts';

const notRoot = isRoot ? false : 'needs root, who can act as several users';

const t = useBatch();

describe('the queue', () => {
  test('holds jobs back with -h and qhold until qrls', async () => {
    const held = await t.batch.submit(t.user, 'echo ran', ['-h']);
    assert.match((await t.batch.run(t.user, ['qstat', held])).stdout, / H batch/);
    assert.equal((await t.batch.run(t.user, ['qhold', held])).code, 0);
    assert.equal((await t.batch.run(t.user, ['qrls', held])).code, 0);
    assert.equal((await t.batch.wait(held)).exitStatus, 0);
  });

  test('is strictly first in, first out, and starts what fits', async () => {
    const blocker = await t.batch.submit(t.user, 'sleep 1000', ['-l', 'nodes=2:ppn=4']);
    await t.batch.waitFor(blocker, ({ state }) => state === 'R');
    const ids: string[] = [];
    for (const size of [8, 1, 1])
      ids.push(await t.batch.submit(t.user, 'true', ['-l', `nodes=${size === 8 ? '2:ppn=4' : '1'}`]));
    await t.batch.run(t.user, ['qdel', '-W', '0', blocker]);
    const jobs = await Promise.all(ids.map((id) => t.batch.wait(id)));
    const [big, ...small] = jobs.map(({ startTime = 0, endTime = 0 }) => ({ startTime, endTime }));
    assert.ok(small.every(({ startTime }) => startTime >= (big?.endTime ?? 0)));
  });

  test('runs arrays with a slot limit, each element under its own name', async () => {
    const id = await t.batch.submit(t.user, 'echo "$PBS_ARRAYID $PBS_JOBID $PBS_JOBNAME"', [
      '-t',
      '1-3,7%2',
      '-N',
      'arr',
    ]);
    assert.match(id, /^\d+\[\]\./);
    await t.batch.wait(id);
    const n = seq(id);
    for (const i of [1, 2, 3, 7]) {
      assert.equal(await readFile(t.file(`arr.o${n}-${i}`), 'utf8'), `${i} ${id.replace('[]', `[${i}]`)} arr-${i}\n`);
    }
    const elements = await t.batch.run(t.user, ['qstat', '-t', id]);
    assert.equal(elements.stdout.split('\n').filter((line) => / C batch/.test(line)).length, 4);
  });

  test('deletes one element of an array with qdel -t', async () => {
    const id = await t.batch.submit(t.user, 'sleep 1000', ['-t', '0-2']);
    const element = (i: number): string => id.replace('[]', `[${i}]`);
    await Promise.all([0, 1, 2].map((i) => t.batch.waitFor(element(i), ({ state }) => state === 'R')));
    assert.equal((await t.batch.run(t.user, ['qdel', '-t', '1', id])).code, 0);
    assert.equal((await t.batch.wait(element(1))).exitStatus, 271);
    assert.match((await t.batch.run(t.user, ['qstat', element(2)])).stdout, / R batch/);
    await t.batch.run(t.user, ['qdel', id]);
    assert.equal((await t.batch.wait(id)).state, 'C');
  });
});

describe('tasks of pbsdsh', () => {
  test('run once per host with -u, with the job’s environment, and write into the job’s output', async () => {
    const pbsdsh = join(t.batch.env.PATH?.split(':')[0] ?? '', 'pbsdsh');
    const script = `export MINE=1; ${pbsdsh} -u sh -c 'echo "$PBS_NODENUM $PBS_JOBID [$MINE] \${PBS_NODEFILE:-none}"; exit 5'; echo "rc $?"`;
    const id = await t.batch.submit(t.user, script, ['-l', 'nodes=2:ppn=2']);
    await t.batch.wait(id);
    const lines = (await t.output(id)).trim().split('\n').sort();
    assert.deepEqual(lines, [`0 ${id} [] ${t.batch.dir}/aux//${id}`, `1 ${id} [] none`, 'rc 0']);
    assert.match(await t.errors(id), /pbsdsh\(\): task 1 exit status 5/);
  });
});

describe('other users', { skip: notRoot }, () => {
  test('cannot delete, hold or signal a job, nor read its script, output or temporary files', async () => {
    const id = await t.batch.submit(t.user, 'echo secret; sleep 1000');
    await t.batch.waitFor(id, ({ session }) => session !== undefined);
    for (const command of [['qdel'], ['qhold'], ['qsig', '-s', 'KILL']]) {
      const { code, stderr } = await t.batch.run(t.other, [...command, id]);
      assert.equal(code, 159);
      assert.equal(stderr, `${command[0]}: Unauthorized Request  MSG=operation not permitted ${id}\n`);
    }
    for (const file of [`mom_priv/jobs/${id}.SC`, `spool/${id}.OU`, `server_priv/jobs/${seq(id)}`]) {
      assert.notEqual((await t.batch.run(t.other, ['cat', join(t.batch.dir, file)])).code, 0, file);
    }
    for (const directory of [`tmp/${id}`, 'server_priv', 'spool', 'mom_priv/jobs', 'undelivered']) {
      assert.notEqual((await t.batch.run(t.other, ['ls', `${join(t.batch.dir, directory)}/`])).code, 0, directory);
    }
    const { stdout } = await t.batch.run(t.other, ['qstat', '-f', id]);
    assert.match(stdout, /Job_Owner/);
    assert.doesNotMatch(stdout, /Variable_List|submit_args/);
  });

  test('run their own jobs as themselves at the same time', async () => {
    const ids = await Promise.all(
      [t.user, t.other].map((who) => t.batch.submit(who, 'id -un', ['-j', 'oe', '-o', 'who'])),
    );
    await Promise.all(ids.map((id) => t.batch.wait(id)));
    for (const who of [t.user, t.other]) assert.equal(await readFile(join(who.work, 'who'), 'utf8'), `${who.name}\n`);
  });

  test('get an output that a link leads elsewhere only as far as their own rights go', async () => {
    await t.batch.run(t.user, ['ln', '-sf', '/etc/vtt-not-yours', 'link.out']);
    const id = await t.batch.submit(t.user, 'echo x', ['-o', 'link.out']);
    await t.batch.wait(id);
    await assert.rejects(stat('/etc/vtt-not-yours'), { code: 'ENOENT' });
    assert.equal((await t.batch.run(t.user, ['cat', join(t.batch.dir, 'undelivered', `${id}.OU`)])).stdout, 'x\n');
  });

  test('do not include root', async () => {
    const root: typeof t.user = { ...t.user, name: 'root', uid: 0, become: [] };
    const { code, stderr } = await t.batch.run(root, ['qsub'], { input: 'true' });
    assert.deepEqual({ code, stderr }, { code: 1, stderr: 'qsub can not be run as root\n' });
  });
});

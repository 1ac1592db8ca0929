import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { instanceInfo, stopInstance } from '../src/engine/embedded/index.ts';
import { exists, parentOf, seq, until, useBatch } from './support/embedded.ts';

const t = useBatch();

describe('the embedded batch system', () => {
  test('survives kill -9 of the daemon: queued, held, running and complete jobs are what they were', async () => {
    const complete = await t.batch.submit(t.user, 'exit 7');
    await t.batch.wait(complete);
    const running = await t.batch.submit(
      t.user,
      'while [ ! -e "$PBS_O_WORKDIR/go" ]; do sleep 0.05; done; echo went; exit 6',
      ['-l', 'nodes=2:ppn=4'],
    );
    await t.batch.waitFor(running, ({ session }) => session !== undefined);
    const queued = await t.batch.submit(t.user, 'echo queued');
    const held = await t.batch.submit(t.user, 'echo held', ['-h']);
    await t.batch.killDaemon();
    assert.match(
      (await t.batch.run(t.user, ['qsub'], { input: 'true' })).stderr,
      /^qsub: cannot connect to server \S+ \(errno=111\) Connection refused$/m,
    );
    await t.batch.start();
    const states = async (): Promise<string> =>
      (await t.batch.run(t.user, ['qstat', complete, running, queued, held])).stdout;
    assert.deepEqual(
      [...(await states()).matchAll(/ ([CRQH]) batch/g)].map(([, state]) => state),
      ['C', 'R', 'Q', 'H'],
    );
    await t.batch.run(t.user, ['touch', 'go']);
    assert.equal((await t.batch.wait(running)).exitStatus, 6);
    assert.equal(await t.output(running), 'went\n');
    assert.equal((await t.batch.wait(queued)).exitStatus, 0);
  });

  test('hears after a restart of a job that ended while no daemon ran', async () => {
    const id = await t.batch.submit(
      t.user,
      'while [ ! -e "$PBS_O_WORKDIR/go2" ]; do sleep 0.05; done; touch "$PBS_O_WORKDIR/went2"; exit 8',
    );
    await t.batch.waitFor(id, ({ session }) => session !== undefined);
    await t.batch.killDaemon();
    await t.batch.run(t.user, ['touch', 'go2']);
    await until(() => exists(t.file(`STDIN.o${seq(id)}`)), 'the output is delivered without the daemon');
    await t.batch.start();
    assert.equal((await t.batch.wait(id)).exitStatus, 8);
  });

  test('keeps the promise of a qdel over a kill -9 of the daemon', async () => {
    const id = await t.batch.submit(t.user, 'sleep 1000');
    await t.batch.waitFor(id, ({ session }) => session !== undefined);
    await t.batch.run(t.user, ['qdel', id]);
    await t.batch.killDaemon();
    await t.batch.start();
    assert.equal((await t.batch.wait(id)).exitStatus, 271);
  });

  for (const which of ['inner', 'outer', 'both'] as const) {
    test(`leaves no process when the ${which} shepherd is killed with -9`, async () => {
      const id = await t.batch.submit(t.user, 'echo begun; (setsid sleep 1000 &) ; sleep 1000');
      const { session = 0 } = await t.batch.waitFor(id, (job) => job.session !== undefined);
      await until(
        async () => (await readFile(join(t.batch.dir, 'spool', `${id}.OU`), 'utf8').catch(() => '')) !== '',
        'it wrote',
      );
      const inner = await parentOf(session);
      const outer = await parentOf(inner);
      for (const pid of which === 'both' ? [outer, inner] : [which === 'inner' ? inner : outer])
        process.kill(pid, 'SIGKILL');
      // The outer one only stands by: without it the job goes on.
      if (which === 'outer') await t.batch.run(t.user, ['qdel', id]);
      const job = await t.batch.wait(id);
      assert.equal(job.exitStatus, which === 'outer' ? 271 : -2);
      assert.equal(await t.output(id), 'begun\n');
      if (which !== 'outer') assert.match(await t.errors(id), /its shepherd process ended unexpectedly/);
    });
  }

  for (const [args, status, starts] of [
    [[], 0, 2],
    [['-r', 'n'], -2, 1],
  ] as const) {
    test(`after a reboot of the machine a job ${args.length === 0 ? 'starts again' : 'with -r n has failed'}`, async () => {
      const id = await t.batch.submit(
        t.user,
        '[ -e "$PBS_O_WORKDIR/second" ] || { touch "$PBS_O_WORKDIR/first"; sleep 1000; }',
        args,
      );
      const { session = 0 } = await t.batch.waitFor(id, (job) => job.session !== undefined);
      await until(() => exists(t.file('first')), 'it runs');
      await t.batch.killDaemon();
      const inner = await parentOf(session);
      for (const pid of [await parentOf(inner), inner, -session]) process.kill(pid, 'SIGKILL');
      await t.batch.run(t.user, ['touch', 'second']);
      const db = new DatabaseSync(join(t.batch.dir, 'server_priv/jobs.sqlite'));
      db.prepare("UPDATE job SET data = json_set(data, '$.boot', 'another') WHERE id = ?").run(id);
      db.close();
      await t.batch.start();
      const job = await t.batch.wait(id);
      await t.batch.run(t.user, ['rm', 'first', 'second']);
      assert.equal(job.exitStatus, status);
      assert.equal(job.startCount, starts);
    });
  }

  test('runs each job exactly once, whenever the daemon is killed', async () => {
    const ids: string[] = [];
    for (let i = 0; i < 6; i++) {
      ids.push(await t.batch.submit(t.user, 'echo "$PBS_JOBID" >>"$PBS_O_WORKDIR/once"'));
      if (i % 2 === 0)
        ids.push(await t.batch.submit(t.user, 'echo "$PBS_JOBID" >>"$PBS_O_WORKDIR/once"', ['-l', 'nodes=2:ppn=4']));
      await t.batch.killDaemon();
      await t.batch.start();
    }
    for (const id of ids) assert.equal((await t.batch.wait(id)).exitStatus, 0);
    assert.deepEqual((await readFile(t.file('once'), 'utf8')).trim().split('\n').sort(), ids.sort());
  });

  test('is taken up again after an orderly stop, which ends no job', async () => {
    const id = await t.batch.submit(t.user, 'while [ ! -e "$PBS_O_WORKDIR/go3" ]; do sleep 0.05; done; exit 9');
    await t.batch.waitFor(id, ({ session }) => session !== undefined);
    await stopInstance(t.batch.env, false);
    await until(async () => (await instanceInfo(t.batch.env).catch(() => 'ending')) === undefined, 'it has stopped');
    await t.batch.start();
    await t.batch.run(t.user, ['touch', 'go3']);
    assert.equal((await t.batch.wait(id)).exitStatus, 9);
  });

  test('clears up after shepherds that were killed while no daemon ran', async () => {
    const id = await t.batch.submit(t.user, '(setsid sleep 1000 &) ; sleep 1000');
    const { session = 0 } = await t.batch.waitFor(id, (job) => job.session !== undefined);
    await t.batch.killDaemon();
    const inner = await parentOf(session);
    for (const pid of [await parentOf(inner), inner]) process.kill(pid, 'SIGKILL');
    await t.batch.start();
    assert.equal((await t.batch.wait(id)).exitStatus, -2);
  });
});

import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { text } from 'node:stream/consumers';
import { after, afterEach, before, describe, test } from 'node:test';
import { VtorqueError } from '../src/base/index.ts';
import { runDaemon } from '../src/engine/embedded/daemon.ts';
import { helpersIn, instanceInfo, stopInstance } from '../src/engine/embedded/index.ts';
import { findEngine } from '../src/engine/index.ts';
import { agentProgram, installRoot } from '../src/site/index.ts';
import { execute } from './support/cluster.ts';
import { startBatch, type TestBatch, until } from './support/embedded.ts';
import { aUser, isRoot, type TestUser } from './support/users.ts';

const INFEASIBLE =
  'MSG=cannot locate feasible nodes (nodes file is empty, all systems are busy, or no nodes have the requested feature)';

const notRoot = isRoot ? false : 'needs root, who can act as several users';

describe('the embedded batch system', () => {
  let batch: TestBatch;
  let user: TestUser;
  let other: TestUser;

  before(async () => {
    user = aUser();
    other = aUser();
    batch = await startBatch();
  });
  after(async () => {
    await batch[Symbol.asyncDispose]();
    user[Symbol.dispose]();
    if (isRoot) other[Symbol.dispose]();
  });
  // The kill of what is left takes at most the 5 s that are promised.
  afterEach(async () => {
    await batch.start();
    await batch.run(user, ['qdel', 'all']);
    await until(async () => (await batch.processes()).length === 0, 'no process of a job is left', 10_000);
    await until(async () => (await batch.files()).length === 0, 'no file of a job is left', 10_000);
  });

  const home = (name: string): string => join(user.home, name);
  const output = async (id: string, name = 'STDIN'): Promise<string> => readFile(home(`${name}.o${seq(id)}`), 'utf8');
  const errors = async (id: string, name = 'STDIN'): Promise<string> => readFile(home(`${name}.e${seq(id)}`), 'utf8');

  describe('a job', () => {
    test('runs as its owner, with Torque’s environment, and its output and exit status come back', async () => {
      const id = await batch.submit(
        user,
        'id -u; pwd; umask; ulimit -c; env | sort; cat "$PBS_NODEFILE"; echo bad >&2; exit 3',
        [...['-N', 'env', '-l', 'nodes=2:ppn=2,walltime=90,mem=1gb', '-v', 'A=1,B=x y,C']],
      );
      const job = await batch.wait(id);
      assert.equal(job.exitStatus, 3);
      const text = await output(id, 'env');
      const lines = text.split('\n');
      assert.deepEqual(lines.slice(0, 4), [String(user.uid), user.home, '0077', '0']);
      for (const line of [
        `PBS_JOBID=${id}`,
        'PBS_JOBNAME=env',
        'PBS_QUEUE=batch',
        'PBS_ENVIRONMENT=PBS_BATCH',
        'ENVIRONMENT=BATCH',
        'PBS_NP=4',
        'PBS_NUM_NODES=2',
        'PBS_NUM_PPN=2',
        'PBS_NODENUM=0',
        'PBS_VNODENUM=0',
        'PBS_TASKNUM=1',
        'PBS_WALLTIME=90',
        `PBS_NODEFILE=${batch.dir}/aux//${id}`,
        `PBS_O_WORKDIR=${user.home}`,
        `PBS_O_LOGNAME=${user.name}`,
        `HOME=${user.home}`,
        'A=1',
        'B=x y',
        'C=',
      ]) {
        assert.ok(lines.includes(line), `${line} in:\n${text}`);
      }
      assert.match(text, /^PBS_JOBCOOKIE=[0-9A-F]{32}$/m);
      assert.ok(text.endsWith('node1\nnode1\nnode2\nnode2\n'));
      assert.equal(await errors(id, 'env'), 'bad\n');
      assert.equal((await stat(home(`env.o${seq(id)}`))).mode & 0o777, 0o600);
    });

    test('has a script whose path is $0, arguments from -F, and an empty standard input', async () => {
      await writeFile(home('job.sh'), '#!/bin/sh\necho "$0"; printf "[%s]" "$@"; echo; cat; echo end\n');
      const { stdout } = await batch.run(user, ['qsub', '-F', "a 'b c' d", 'job.sh']);
      const id = stdout.trim();
      await batch.wait(id);
      assert.equal(await output(id, 'job.sh'), `${batch.dir}/mom_priv/jobs/${id}.SC\n[a][b c][d]\nend\n`);
    });

    for (const [script, status] of [
      ['exit 0', 0],
      ['exit 255', 255],
      ['kill -9 $$', 137],
      ['kill -SEGV $$', 139],
      ['exec /nonexistent', 127],
    ] as const) {
      test(`that ends with "${script}" has exit status ${status}`, async () => {
        const job = await batch.wait(await batch.submit(user, script));
        assert.equal(job.exitStatus, status);
      });
    }

    test('with -S runs in that shell, with -d in that directory, with -w only writes its output there', async () => {
      await batch.run(user, ['mkdir', 'sub']);
      // The parent's own argv[0]; ps need not be there on a small machine.
      const script = 'echo $SHELL; tr "\\0" "\\n" </proc/$PPID/cmdline | head -n 1; pwd';
      const [there, here] = await Promise.all([
        batch.submit(user, script, ['-S', '/bin/sh', '-d', 'sub']),
        batch.submit(user, script, ['-w', 'sub']),
      ]);
      await Promise.all([there, here].map((id) => batch.wait(id)));
      assert.equal(await output(there, 'sub/STDIN'), `/bin/sh\n-sh\n${home('sub')}\n`);
      assert.match(await output(here, 'sub/STDIN'), new RegExp(`\n${user.home}\n$`));
    });

    test('has a TMPDIR of its own, which is gone afterwards whatever is in it', async () => {
      const id = await batch.submit(
        user,
        'echo "$TMPDIR"; stat -c %a "$TMPDIR"; mkdir -p "$TMPDIR/a/b"; echo x >"$TMPDIR/a/b/c"; ln -s / "$TMPDIR/l"; chmod 0 "$TMPDIR/a"',
      );
      await batch.wait(id);
      const [path = '', mode] = (await output(id)).split('\n');
      assert.equal(mode, '700');
      await assert.rejects(stat(path), { code: 'ENOENT' });
    });

    test('that cannot be executed fails with a negative status and the reason, not with a code of the script’s', async () => {
      const job = await batch.wait(
        await batch.submit(user, 'true', ['-S', '/nonexistent/shell', '-j', 'oe', '-o', 'why']),
      );
      assert.equal(job.exitStatus, -2);
      assert.match(await readFile(home('why'), 'utf8'), /cannot execute the shell .*No such file/);
    });
  });

  describe('output', () => {
    test('goes where -o and -e say: file, directory, host:path, $PBS_JOBID; -j joins', async () => {
      await batch.run(user, ['mkdir', '-p', 'od']);
      const script = 'echo out; echo err >&2';
      const ids = await Promise.all([
        batch.submit(user, script, ['-o', 'one.out', '-e', `localhost:${home('one.err')}`]),
        batch.submit(user, script, ['-N', 'dir', '-o', 'od', '-e', 'od/']),
        batch.submit(user, script, ['-j', 'oe', '-o', `${user.home}/$PBS_JOBID.out`]),
        batch.submit(user, script, ['-j', 'eo', '-N', 'jeo']),
        batch.submit(user, script, ['-k', 'oe', '-N', 'keep', '-w', '/tmp']),
        batch.submit(user, script, ['-W', 'umask=022', '-N', 'um']),
        batch.submit(user, script, ['-o', '/dev/null', '-N', 'null']),
      ]);
      await Promise.all(ids.map((id) => batch.wait(id)));
      const [, dir = '', joined = '', jeo = '', keep = '', um = ''] = ids;
      assert.equal(await readFile(home('one.out'), 'utf8'), 'out\n');
      assert.equal(await readFile(home('one.err'), 'utf8'), 'err\n');
      assert.equal(await readFile(home(`od/dir.o${seq(dir)}`), 'utf8'), 'out\n');
      assert.equal(await readFile(home(`od/dir.e${seq(dir)}`), 'utf8'), 'err\n');
      assert.equal(await readFile(home(`${joined}.out`), 'utf8'), 'out\nerr\n');
      assert.equal(await errors(jeo, 'jeo'), 'out\nerr\n');
      assert.equal(await output(keep, 'keep'), 'out\n');
      assert.equal((await stat(home(`um.o${seq(um)}`))).mode & 0o777, 0o644);
      assert.equal((await stat('/dev/null')).isCharacterDevice(), true);
    });

    test('that cannot be delivered is kept, and the job’s exit status is its own', async () => {
      const id = await batch.submit(user, 'echo kept; exit 4', ['-o', '/nonexistent/dir/x']);
      assert.equal((await batch.wait(id)).exitStatus, 4);
      const kept = await batch.run(user, ['cat', join(batch.dir, 'undelivered', `${id}.OU`)]);
      assert.equal(kept.stdout, 'kept\n');
    });

    test('is complete and unchanged when it is binary and large', async () => {
      const id = await batch.submit(user, 'head -c 50000000 /dev/zero | tr "\\0" "\\377"; printf "\\0end"');
      await batch.wait(id);
      const bytes = await readFile(home(`STDIN.o${seq(id)}`));
      assert.equal(bytes.length, 50_000_004);
      assert.equal(bytes.subarray(-4).toString('latin1'), '\0end');
      assert.ok(bytes.subarray(0, -4).every((byte) => byte === 0xff));
    });
  });

  describe('the end', () => {
    test('of the script ends what it left behind, also daemons with a session and an environment of their own', async () => {
      const id = await batch.submit(
        user,
        '(setsid sleep 1000 &) ; (setsid env -i sleep 1000 &); sleep 1000 & echo $! ; echo done',
      );
      assert.equal((await batch.wait(id)).exitStatus, 0);
      const [pid = ''] = (await output(id)).split('\n');
      await assert.rejects(readFile(`/proc/${pid}/status`), { code: 'ENOENT' });
    });

    test('by qdel gives 271, and a TERM trap gets its time', async () => {
      const id = await batch.submit(
        user,
        'cat >"$TMPDIR/t" <<"E"\ntrap "sleep 0.3; echo trapped; exit 5" TERM\necho up\nsleep 100 & wait\nE\nbash "$TMPDIR/t" & touch "$HOME/up"; wait',
      );
      await until(() => exists(home('up')), 'the job is up');
      assert.equal((await batch.run(user, ['qdel', id])).code, 0);
      assert.equal((await batch.wait(id)).exitStatus, 271);
      assert.match(await output(id), /trapped/);
    });

    test('by qdel comes after the kill delay when the processes ignore TERM', async () => {
      const id = await batch.submit(
        user,
        'trap "" TERM; (trap "" TERM; setsid sleep 1000) & touch "$HOME/deaf"; sleep 1000',
        ['-K', '1'],
      );
      await until(() => exists(home('deaf')), 'the job is up');
      await batch.run(user, ['qdel', id]);
      const { exitStatus = 0 } = await batch.wait(id);
      assert.ok(exitStatus === 265 || exitStatus === 271, String(exitStatus));
    });

    test('by the walltime says so in the errors and has exit status -11', async () => {
      const id = await batch.submit(user, 'echo begun; sleep 1000', ['-l', 'walltime=1']);
      assert.equal((await batch.wait(id)).exitStatus, -11);
      assert.match(await errors(id), /^=>> PBS: job killed: walltime 1 exceeded limit 1$/m);
      assert.equal(await output(id), 'begun\n');
    });

    test('by a signal of qsig: the trap runs, the shell dies, the status is 256 plus the number', async () => {
      const script =
        '#!/bin/bash\ntrap "echo got usr1; exit 0" USR1; touch "$HOME/ready"; while :; do sleep 0.1; done\n';
      await writeFile(home('sig.sh'), script);
      const id = (await batch.run(user, ['qsub', 'sig.sh'])).stdout.trim();
      await until(() => exists(home('ready')), 'the trap is set');
      assert.equal((await batch.run(user, ['qsig', '-s', 'SIGNULL', id])).code, 0);
      assert.equal((await batch.run(user, ['qsig', '-s', 'USR1', id])).code, 0);
      assert.equal((await batch.wait(id)).exitStatus, 266);
      assert.equal(await output(id, 'sig.sh'), 'got usr1\n');
      const late = await batch.run(user, ['qsig', '-s', 'USR1', id]);
      assert.equal(late.code, 170);
      assert.equal(late.stderr, `qsig: Request invalid for state of job MSG=invalid state for job - COMPLETE ${id}\n`);
    });
  });

  describe('the queue', () => {
    test('holds jobs back with -h and qhold until qrls', async () => {
      const held = await batch.submit(user, 'echo ran', ['-h']);
      assert.match((await batch.run(user, ['qstat', held])).stdout, / H batch/);
      assert.equal((await batch.run(user, ['qhold', held])).code, 0);
      assert.equal((await batch.run(user, ['qrls', held])).code, 0);
      assert.equal((await batch.wait(held)).exitStatus, 0);
    });

    test('is strictly first in, first out, and starts what fits', async () => {
      const blocker = await batch.submit(user, 'sleep 1000', ['-l', 'nodes=2:ppn=4']);
      await batch.waitFor(blocker, ({ state }) => state === 'R');
      const ids: string[] = [];
      for (const size of [8, 1, 1])
        ids.push(await batch.submit(user, 'true', ['-l', `nodes=${size === 8 ? '2:ppn=4' : '1'}`]));
      await batch.run(user, ['qdel', '-W', '0', blocker]);
      const jobs = await Promise.all(ids.map((id) => batch.wait(id)));
      const [big, ...small] = jobs.map(({ startTime = 0, endTime = 0 }) => ({ startTime, endTime }));
      assert.ok(small.every(({ startTime }) => startTime >= (big?.endTime ?? 0)));
    });

    test('runs arrays with a slot limit, each element under its own name', async () => {
      const id = await batch.submit(user, 'echo "$PBS_ARRAYID $PBS_JOBID $PBS_JOBNAME"', [
        '-t',
        '1-3,7%2',
        '-N',
        'arr',
      ]);
      assert.match(id, /^\d+\[\]\./);
      await batch.wait(id);
      const n = seq(id);
      for (const i of [1, 2, 3, 7]) {
        assert.equal(await readFile(home(`arr.o${n}-${i}`), 'utf8'), `${i} ${id.replace('[]', `[${i}]`)} arr-${i}\n`);
      }
      const elements = await batch.run(user, ['qstat', '-t', id]);
      assert.equal(elements.stdout.split('\n').filter((line) => / C batch/.test(line)).length, 4);
    });

    test('deletes one element of an array with qdel -t', async () => {
      const id = await batch.submit(user, 'sleep 1000', ['-t', '0-2']);
      const element = (i: number): string => id.replace('[]', `[${i}]`);
      await Promise.all([0, 1, 2].map((i) => batch.waitFor(element(i), ({ state }) => state === 'R')));
      assert.equal((await batch.run(user, ['qdel', '-t', '1', id])).code, 0);
      assert.equal((await batch.wait(element(1))).exitStatus, 271);
      assert.match((await batch.run(user, ['qstat', element(2)])).stdout, / R batch/);
      await batch.run(user, ['qdel', id]);
      assert.equal((await batch.wait(id)).state, 'C');
    });

    test('survives kill -9 of the daemon: queued, held, running and complete jobs are what they were', async () => {
      const complete = await batch.submit(user, 'exit 7');
      await batch.wait(complete);
      const running = await batch.submit(user, 'while [ ! -e "$HOME/go" ]; do sleep 0.05; done; echo went; exit 6', [
        '-l',
        'nodes=2:ppn=4',
      ]);
      await batch.waitFor(running, ({ session }) => session !== undefined);
      const queued = await batch.submit(user, 'echo queued');
      const held = await batch.submit(user, 'echo held', ['-h']);
      await batch.killDaemon();
      assert.match(
        (await batch.run(user, ['qsub'], { input: 'true' })).stderr,
        /^qsub: cannot connect to server \S+ \(errno=111\) Connection refused$/m,
      );
      await batch.start();
      const states = async (): Promise<string> =>
        (await batch.run(user, ['qstat', complete, running, queued, held])).stdout;
      assert.deepEqual(
        [...(await states()).matchAll(/ ([CRQH]) batch/g)].map(([, state]) => state),
        ['C', 'R', 'Q', 'H'],
      );
      await batch.run(user, ['touch', 'go']);
      assert.equal((await batch.wait(running)).exitStatus, 6);
      assert.equal(await output(running), 'went\n');
      assert.equal((await batch.wait(queued)).exitStatus, 0);
    });

    test('hears after a restart of a job that ended while no daemon ran', async () => {
      const id = await batch.submit(
        user,
        'while [ ! -e "$HOME/go2" ]; do sleep 0.05; done; touch "$HOME/went2"; exit 8',
      );
      await batch.waitFor(id, ({ session }) => session !== undefined);
      await batch.killDaemon();
      await batch.run(user, ['touch', 'go2']);
      await until(() => exists(home(`STDIN.o${seq(id)}`)), 'the output is delivered without the daemon');
      await batch.start();
      assert.equal((await batch.wait(id)).exitStatus, 8);
    });

    test('keeps the promise of a qdel over a kill -9 of the daemon', async () => {
      const id = await batch.submit(user, 'sleep 1000');
      await batch.waitFor(id, ({ session }) => session !== undefined);
      await batch.run(user, ['qdel', id]);
      await batch.killDaemon();
      await batch.start();
      assert.equal((await batch.wait(id)).exitStatus, 271);
    });

    for (const which of ['inner', 'outer', 'both'] as const) {
      test(`leaves no process when the ${which} shepherd is killed with -9`, async () => {
        const id = await batch.submit(user, 'echo begun; (setsid sleep 1000 &) ; sleep 1000');
        const { session = 0 } = await batch.waitFor(id, (job) => job.session !== undefined);
        await until(
          async () => (await readFile(join(batch.dir, 'spool', `${id}.OU`), 'utf8').catch(() => '')) !== '',
          'it wrote',
        );
        const inner = await parentOf(session);
        const outer = await parentOf(inner);
        for (const pid of which === 'both' ? [outer, inner] : [which === 'inner' ? inner : outer])
          process.kill(pid, 'SIGKILL');
        // The outer one only stands by: without it the job goes on.
        if (which === 'outer') await batch.run(user, ['qdel', id]);
        const job = await batch.wait(id);
        assert.equal(job.exitStatus, which === 'outer' ? 271 : -2);
        assert.equal(await output(id), 'begun\n');
        if (which !== 'outer') assert.match(await errors(id), /its shepherd process ended unexpectedly/);
      });
    }

    for (const [args, status, starts] of [
      [[], 0, 2],
      [['-r', 'n'], -2, 1],
    ] as const) {
      test(`after a reboot of the machine a job ${args.length === 0 ? 'starts again' : 'with -r n has failed'}`, async () => {
        const id = await batch.submit(user, '[ -e "$HOME/second" ] || { touch "$HOME/first"; sleep 1000; }', args);
        const { session = 0 } = await batch.waitFor(id, (job) => job.session !== undefined);
        await until(() => exists(home('first')), 'it runs');
        await batch.killDaemon();
        const inner = await parentOf(session);
        for (const pid of [await parentOf(inner), inner, -session]) process.kill(pid, 'SIGKILL');
        await batch.run(user, ['touch', 'second']);
        const db = new DatabaseSync(join(batch.dir, 'server_priv/jobs.sqlite'));
        db.prepare("UPDATE job SET data = json_set(data, '$.boot', 'another') WHERE id = ?").run(id);
        db.close();
        await batch.start();
        const job = await batch.wait(id);
        await batch.run(user, ['rm', 'first', 'second']);
        assert.equal(job.exitStatus, status);
        assert.equal(job.startCount, starts);
      });
    }

    test('runs each job exactly once, whenever the daemon is killed', async () => {
      const ids: string[] = [];
      for (let i = 0; i < 6; i++) {
        ids.push(await batch.submit(user, 'echo "$PBS_JOBID" >>"$HOME/once"'));
        if (i % 2 === 0)
          ids.push(await batch.submit(user, 'echo "$PBS_JOBID" >>"$HOME/once"', ['-l', 'nodes=2:ppn=4']));
        await batch.killDaemon();
        await batch.start();
      }
      for (const id of ids) assert.equal((await batch.wait(id)).exitStatus, 0);
      assert.deepEqual((await readFile(home('once'), 'utf8')).trim().split('\n').sort(), ids.sort());
    });

    test('is taken up again after an orderly stop, which ends no job', async () => {
      const id = await batch.submit(user, 'while [ ! -e "$HOME/go3" ]; do sleep 0.05; done; exit 9');
      await batch.waitFor(id, ({ session }) => session !== undefined);
      await stopInstance(batch.env, false);
      await until(async () => (await instanceInfo(batch.env).catch(() => 'ending')) === undefined, 'it has stopped');
      await batch.start();
      await batch.run(user, ['touch', 'go3']);
      assert.equal((await batch.wait(id)).exitStatus, 9);
    });

    test('clears up after shepherds that were killed while no daemon ran', async () => {
      const id = await batch.submit(user, '(setsid sleep 1000 &) ; sleep 1000');
      const { session = 0 } = await batch.waitFor(id, (job) => job.session !== undefined);
      await batch.killDaemon();
      const inner = await parentOf(session);
      for (const pid of [await parentOf(inner), inner]) process.kill(pid, 'SIGKILL');
      await batch.start();
      assert.equal((await batch.wait(id)).exitStatus, -2);
    });
  });

  describe('tasks of pbsdsh', () => {
    test('run once per host with -u, with the job’s environment, and write into the job’s output', async () => {
      const pbsdsh = join(batch.env.PATH?.split(':')[0] ?? '', 'pbsdsh');
      const script = `export MINE=1; ${pbsdsh} -u sh -c 'echo "$PBS_NODENUM $PBS_JOBID [$MINE] \${PBS_NODEFILE:-none}"; exit 5'; echo "rc $?"`;
      const id = await batch.submit(user, script, ['-l', 'nodes=2:ppn=2']);
      await batch.wait(id);
      const lines = (await output(id)).trim().split('\n').sort();
      assert.deepEqual(lines, [`0 ${id} [] ${batch.dir}/aux//${id}`, `1 ${id} [] none`, 'rc 0']);
      assert.match(await errors(id), /pbsdsh\(\): task 1 exit status 5/);
    });
  });

  describe('other users', { skip: notRoot }, () => {
    test('cannot delete, hold or signal a job, nor read its script, output or temporary files', async () => {
      const id = await batch.submit(user, 'echo secret; sleep 1000');
      await batch.waitFor(id, ({ session }) => session !== undefined);
      for (const command of [['qdel'], ['qhold'], ['qsig', '-s', 'KILL']]) {
        const { code, stderr } = await batch.run(other, [...command, id]);
        assert.equal(code, 159);
        assert.equal(stderr, `${command[0]}: Unauthorized Request  MSG=operation not permitted ${id}\n`);
      }
      for (const file of [`mom_priv/jobs/${id}.SC`, `spool/${id}.OU`, `server_priv/jobs/${seq(id)}`]) {
        assert.notEqual((await batch.run(other, ['cat', join(batch.dir, file)])).code, 0, file);
      }
      for (const directory of [`tmp/${id}`, 'server_priv', 'spool', 'mom_priv/jobs', 'undelivered']) {
        assert.notEqual((await batch.run(other, ['ls', `${join(batch.dir, directory)}/`])).code, 0, directory);
      }
      const { stdout } = await batch.run(other, ['qstat', '-f', id]);
      assert.match(stdout, /Job_Owner/);
      assert.doesNotMatch(stdout, /Variable_List|submit_args/);
    });

    test('run their own jobs as themselves at the same time', async () => {
      const ids = await Promise.all([user, other].map((who) => batch.submit(who, 'id -un', ['-j', 'oe', '-o', 'who'])));
      await Promise.all(ids.map((id) => batch.wait(id)));
      for (const who of [user, other]) assert.equal(await readFile(join(who.home, 'who'), 'utf8'), `${who.name}\n`);
    });

    test('get an output that a link leads elsewhere only as far as their own rights go', async () => {
      await batch.run(user, ['ln', '-sf', '/etc/vtt-not-yours', 'link.out']);
      const id = await batch.submit(user, 'echo x', ['-o', 'link.out']);
      await batch.wait(id);
      await assert.rejects(stat('/etc/vtt-not-yours'), { code: 'ENOENT' });
      assert.equal((await batch.run(user, ['cat', join(batch.dir, 'undelivered', `${id}.OU`)])).stdout, 'x\n');
    });

    test('do not include root', async () => {
      const root: TestUser = { ...user, name: 'root', uid: 0, become: [] };
      const { code, stderr } = await batch.run(root, ['qsub'], { input: 'true' });
      assert.deepEqual({ code, stderr }, { code: 1, stderr: 'qsub can not be run as root\n' });
    });
  });

  describe('qsub', () => {
    const script = 'true';
    for (const [args, text, code] of [
      [['nofile.sh'], "qsub: script file 'nofile.sh' cannot be loaded - No such file or directory", 1],
      [['-l', 'foo=bar'], 'qsub: submit error (Unknown resource type  Resource_List.foo)', 189],
      [['-l', 'nodes=99'], `qsub: submit error (Job exceeds queue resource limits ${INFEASIBLE})`, 190],
      [['-l', 'nodes=1:ppn=9999'], `qsub: submit error (Job exceeds queue resource limits ${INFEASIBLE})`, 190],
      [['-l', 'nodes=nosuch'], `qsub: submit error (Job exceeds queue resource limits ${INFEASIBLE})`, 190],
      [['-l', 'mem=999999gb'], `qsub: submit error (Job exceeds queue resource limits ${INFEASIBLE})`, 190],
      [
        ['-l', 'walltime=xx'],
        'qsub: submit error (Illegal attribute or resource value for Resource_List.walltime)',
        168,
      ],
      [['-l', 'mem=abc'], 'qsub: submit error (Illegal attribute or resource value for Resource_List.mem)', 168],
      [['-q', 'nosuch'], 'qsub: submit error (Unknown queue MSG=requested queue not found)', 172],
      [['-Z'], "qsub: invalid option -- 'Z'", 2],
      [['-N', 'bad name'], '[qsub: illegal -N value]', 2],
      [['-j', 'zz'], '[qsub: illegal -j value]', 2],
      [['-t', 'x'], 'qsub: submit error (Bad Job Array Request)', 235],
      [['-d', '/nosuch'], '[qsub: illegal -d value]', 2],
      [['-w', '/nosuch'], "qsub: Requested working directory '/nosuch' is not a valid directory", 3],
      [['-l'], "qsub: option requires an argument -- 'l'", 2],
      [
        ['-W', 'foo=bar'],
        'qsub: submit error (Undefined attribute  MSG=detected presence of an unknown attribute)',
        154,
      ],
      [['-W', 'umask=0777777'], '[qsub: Invalid umask value, too many digits: 0777777]', 2],
      [['/tmp'], 'qsub: script not a file', 1],
      [['/bin/ls'], 'qsub:  file must be an ascii script', 1],
      [['-h', '/etc/passwd', 'extra'], '[index issues]', 2],
      [['-W', 'depend=afterok:1'], 'qsub: -W depend is not available in the embedded batch system', 1],
      [['-a', '203001010000'], 'qsub: -a is not available in the embedded batch system', 1],
      [['-I'], 'qsub: an interactive job (-I) is not available in the embedded batch system', 1],
      [['-l', 'procs=4'], 'qsub: submit error (resource procs is not available in the embedded batch system)', 189],
      [['-o', 'elsewhere:/tmp/x'], 'qsub: output to host "elsewhere" is not available in the embedded batch system', 1],
    ] as const) {
      test(`refuses ${args.join(' ')} with exit code ${code}, and queues nothing`, async () => {
        const queued = (await batch.run(user, ['qstat'])).stdout;
        const result = await batch.run(user, ['qsub', ...args], { input: script });
        assert.deepEqual({ code: result.code, text: result.stderr.split('\n')[0] }, { code, text });
        assert.equal(result.stdout, '');
        assert.equal((await batch.run(user, ['qstat'])).stdout, queued);
      });
    }

    test('obeys directives, and the command line beats them', async () => {
      const head =
        '#!/bin/sh\n#PBS -N fromscript -l nodes=1:ppn=2,walltime=50\n#PBS -v A=1\necho "$A $PBS_NP $PBS_WALLTIME"\n';
      const id = await batch.submit(user, head, ['-l', 'walltime=70', '-N', 'cli']);
      await batch.wait(id);
      assert.equal(await output(id, 'cli'), '1 2 70\n');
    });

    test('prints nothing with -z', async () => {
      assert.equal(await batch.submit(user, 'true', ['-z', '-o', '/dev/null', '-e', '/dev/null']), '');
    });

    test('takes a script of 20 MB', async () => {
      const id = await batch.submit(user, `echo ok\nexit 0\n${'#'.repeat(20 << 20)}`);
      assert.equal((await batch.wait(id)).exitStatus, 0);
      assert.equal(await output(id), 'ok\n');
    });
  });

  test('answers unknown jobs as Torque does', async () => {
    const answers = await Promise.all(
      [
        ['qstat', '99999'],
        ['qdel', '99999'],
        ['qstat', '-f', '99999'],
        ['qhold', '99999'],
        ['qdel', 'abc'],
        ['pbsnodes', 'nosuch'],
      ].map((command) => batch.run(user, command)),
    );
    const [stat1, del, stat2, hold, bad, node] = answers.map(({ code, stderr }) => ({ code, stderr }));
    const unknown = (command: string): RegExp => new RegExp(`^${command}: Unknown Job Id Error 99999\\.\\S+\n$`);
    for (const [answer, command] of [
      [stat1, 'qstat'],
      [stat2, 'qstat'],
      [hold, 'qhold'],
    ] as const) {
      assert.match(answer?.stderr ?? '', unknown(command));
      assert.equal(answer?.code, 153);
    }
    assert.deepEqual(del, { code: 153, stderr: 'qdel: nonexistent job id: 99999\n' });
    assert.deepEqual(bad, { code: 1, stderr: 'qdel: illegally formed job identifier: abc\n' });
    assert.equal(node?.code, 1);
  });

  test('outlives whatever is sent to its socket', async () => {
    const pid = (await instanceInfo(batch.env))?.pid;
    const line = (message: object): string => `${JSON.stringify(message)}\n`;
    for (const bytes of [
      '',
      '\n',
      '{',
      'null\n',
      '[]\n',
      line({ v: 99, op: 'info' }),
      line({ v: 1, op: 'constructor' }),
      line({ v: 1, op: 'status', ids: 7 }),
      line({ v: 1, op: 'submit', submission: {}, body: 5 }),
      line({ v: 1, op: 'submit', submission: null, body: -1 }),
      line({ v: 1, op: 'wait', id: '1'.repeat(1000) }),
      Buffer.alloc(9 << 20, 'x'),
      randomBytes(100_000),
    ]) {
      const socket = connect(join(batch.dir, 'socket'));
      socket.on('error', () => {});
      socket.end(bytes);
      const answer = await text(socket).catch(() => '');
      if (answer !== '') assert.equal((JSON.parse(answer) as { ok: boolean }).ok, false, answer);
    }
    assert.equal((await instanceInfo(batch.env))?.pid, pid);
  });

  describe('vtorque local', () => {
    const vtorque = (...args: string[]) =>
      execute([join(installRoot, 'bin/vtorque'), 'local', ...args], { env: { ...process.env, VTORQUE_LOCAL: '' } });

    test('start says that it runs already, and exits with 0', async () => {
      const { code, stdout } = await vtorque('start', '--dir', batch.dir);
      assert.equal(code, 0);
      assert.match(stdout, /runs already: 2 nodes with 4 slots/);
    });

    test('status shows nodes and jobs, and exits with 1 where nothing runs', async () => {
      const { stdout } = await vtorque('status', '--dir', batch.dir);
      assert.match(stdout, /^node2 {2}4$/m);
      const json = JSON.parse((await vtorque('status', '--json', '--dir', batch.dir)).stdout) as {
        jobs: { R: number };
      };
      assert.equal(json.jobs.R, 0);
      const none = await vtorque('status', '--dir', join(batch.dir, 'nosuch'));
      assert.equal(none.code, 1);
      assert.match(none.stdout, /does not run/);
    });

    test('env prints what a shell needs to find the commands and this instance', async () => {
      const { stdout } = await vtorque('env', '--dir', batch.dir);
      const shell = await batch.run(
        user,
        ['sh', '-c', `${stdout}\ncommand -v qsub; command -v vsub; echo "$VTORQUE_LOCAL"`],
        {
          env: { VTORQUE_LOCAL: '/nonexistent' },
        },
      );
      assert.match(shell.stdout, /\/libexec\/pbs\/qsub\n.*\/bin\/vsub\n/);
      assert.ok(shell.stdout.endsWith(`${batch.dir}\n`));
    });

    test('refuses numbers that make no sense with exit code 2', async () => {
      for (const args of [
        ['--nodes', '0'],
        ['--np', 'x'],
        ['--keep-completed', '-1'],
      ]) {
        assert.equal((await vtorque('start', '--dir', join(batch.dir, 'nosuch'), ...args)).code, 2, args.join(' '));
      }
    });
  });

  test('is found by vsub without being on PATH, and tells its nodes', async () => {
    const engine = await findEngine({ PATH: '/nonexistent', VTORQUE_LOCAL: batch.dir });
    assert.equal(engine.name, 'embedded');
    assert.match(engine.qsub, /^\/.*\/libexec\/pbs\/qsub$/);
    const nodes = (await engine.nodes()) ?? [];
    assert.deepEqual(
      nodes.map(({ name, np, state }) => [name, np, state]),
      [
        ['node1', 4, 'free'],
        ['node2', 4, 'free'],
      ],
    );
    assert.ok(nodes.every(({ memory }) => memory > 2 ** 20));
  });

  test('does not run twice on one directory', async () => {
    const helpers = helpersIn(dirname(agentProgram));
    await assert.rejects(
      runDaemon({ dir: batch.dir, nodes: 1, np: 1, keepCompletedS: 1, helpers, version: 'test' }),
      (error: unknown) => error instanceof VtorqueError && error.code === 'E_LOCAL_RUNNING',
    );
  });

  test('keeps nothing in its directories when nothing runs', async () => {
    assert.deepEqual(await batch.files(), []);
    assert.deepEqual(await readdir(join(batch.dir, 'server_priv/run')), []);
  });
});

function seq(id: string): string {
  return /^\d+/.exec(id)?.[0] ?? '';
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function parentOf(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8');
  return Number(text.slice(text.lastIndexOf(')') + 2).split(' ')[1]);
}

import assert from 'node:assert/strict';
import { readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import { exists, seq, until, useBatch } from './support/embedded.ts';

const t = useBatch();

describe('a job', () => {
  test('runs as its owner, with Torque’s environment, and its output and exit status come back', async () => {
    const id = await t.batch.submit(
      t.user,
      'id -u; pwd; umask; ulimit -c; env | sort; cat "$PBS_NODEFILE"; echo bad >&2; exit 3',
      [...['-N', 'env', '-l', 'nodes=2:ppn=2,walltime=90,mem=1gb', '-v', 'A=1,B=x y,C']],
    );
    const job = await t.batch.wait(id);
    assert.equal(job.exitStatus, 3);
    const text = await t.output(id, 'env');
    const lines = text.split('\n');
    assert.deepEqual(lines.slice(0, 4), [String(t.user.uid), t.user.home, '0077', '0']);
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
      `PBS_NODEFILE=${t.batch.dir}/aux//${id}`,
      `PBS_O_WORKDIR=${t.user.work}`,
      `PBS_O_LOGNAME=${t.user.name}`,
      `HOME=${t.user.home}`,
      'A=1',
      'B=x y',
      'C=',
    ]) {
      assert.ok(lines.includes(line), `${line} in:\n${text}`);
    }
    assert.match(text, /^PBS_JOBCOOKIE=[0-9A-F]{32}$/m);
    assert.ok(text.endsWith('node1\nnode1\nnode2\nnode2\n'));
    assert.equal(await t.errors(id, 'env'), 'bad\n');
    assert.equal((await stat(t.file(`env.o${seq(id)}`))).mode & 0o777, 0o600);
  });

  test('has a script whose path is $0, arguments from -F, and an empty standard input', async () => {
    await writeFile(t.file('job.sh'), '#!/bin/sh\necho "$0"; printf "[%s]" "$@"; echo; cat; echo end\n');
    const { stdout } = await t.batch.run(t.user, ['qsub', '-F', "a 'b c' d", 'job.sh']);
    const id = stdout.trim();
    await t.batch.wait(id);
    assert.equal(await t.output(id, 'job.sh'), `${t.batch.dir}/mom_priv/jobs/${id}.SC\n[a][b c][d]\nend\n`);
  });

  for (const [script, status] of [
    ['exit 0', 0],
    ['exit 255', 255],
    ['kill -9 $$', 137],
    ['kill -SEGV $$', 139],
    ['exec /nonexistent', 127],
  ] as const) {
    test(`that ends with "${script}" has exit status ${status}`, async () => {
      const job = await t.batch.wait(await t.batch.submit(t.user, script));
      assert.equal(job.exitStatus, status);
    });
  }

  test('with -S runs in that shell, with -d in that directory, with -w only writes its output there', async () => {
    await t.batch.run(t.user, ['mkdir', 'sub']);
    // The parent's own argv[0]; ps need not be there on a small machine.
    const script = 'echo $SHELL; tr "\\0" "\\n" </proc/$PPID/cmdline | head -n 1; pwd';
    const [there, here] = await Promise.all([
      t.batch.submit(t.user, script, ['-S', '/bin/sh', '-d', 'sub']),
      t.batch.submit(t.user, script, ['-w', 'sub']),
    ]);
    await Promise.all([there, here].map((id) => t.batch.wait(id)));
    assert.equal(await t.output(there, 'sub/STDIN'), `/bin/sh\n-sh\n${t.file('sub')}\n`);
    assert.match(await t.output(here, 'sub/STDIN'), new RegExp(`\n${t.user.home}\n$`));
  });

  test('has a TMPDIR of its own, which is gone afterwards whatever is in it', async () => {
    const id = await t.batch.submit(
      t.user,
      'echo "$TMPDIR"; stat -c %a "$TMPDIR"; mkdir -p "$TMPDIR/a/b"; echo x >"$TMPDIR/a/b/c"; ln -s / "$TMPDIR/l"; chmod 0 "$TMPDIR/a"',
    );
    await t.batch.wait(id);
    const [path = '', mode] = (await t.output(id)).split('\n');
    assert.equal(mode, '700');
    await assert.rejects(stat(path), { code: 'ENOENT' });
  });

  test('that cannot be executed fails with a negative status and the reason, not with a code of the script’s', async () => {
    const job = await t.batch.wait(
      await t.batch.submit(t.user, 'true', ['-S', '/nonexistent/shell', '-j', 'oe', '-o', 'why']),
    );
    assert.equal(job.exitStatus, -2);
    assert.match(await readFile(t.file('why'), 'utf8'), /cannot execute the shell .*No such file/);
  });
});

describe('output', () => {
  test('goes where -o and -e say: file, directory, host:path, $PBS_JOBID; -j joins', async () => {
    await t.batch.run(t.user, ['mkdir', '-p', 'od']);
    const script = 'echo out; echo err >&2';
    const ids = await Promise.all([
      t.batch.submit(t.user, script, ['-o', 'one.out', '-e', `localhost:${t.file('one.err')}`]),
      t.batch.submit(t.user, script, ['-N', 'dir', '-o', 'od', '-e', 'od/']),
      t.batch.submit(t.user, script, ['-j', 'oe', '-o', `${t.user.work}/$PBS_JOBID.out`]),
      t.batch.submit(t.user, script, ['-j', 'eo', '-N', 'jeo']),
      t.batch.submit(t.user, script, ['-k', 'oe', '-N', 'keep', '-w', '/tmp']),
      t.batch.submit(t.user, script, ['-W', 'umask=022', '-N', 'um']),
      t.batch.submit(t.user, script, ['-o', '/dev/null', '-N', 'null']),
    ]);
    await Promise.all(ids.map((id) => t.batch.wait(id)));
    const [, dir = '', joined = '', jeo = '', keep = '', um = ''] = ids;
    assert.equal(await readFile(t.file('one.out'), 'utf8'), 'out\n');
    assert.equal(await readFile(t.file('one.err'), 'utf8'), 'err\n');
    assert.equal(await readFile(t.file(`od/dir.o${seq(dir)}`), 'utf8'), 'out\n');
    assert.equal(await readFile(t.file(`od/dir.e${seq(dir)}`), 'utf8'), 'err\n');
    assert.equal(await readFile(t.file(`${joined}.out`), 'utf8'), 'out\nerr\n');
    assert.equal(await t.errors(jeo, 'jeo'), 'out\nerr\n');
    for (const [letter, text] of [
      ['o', 'out\n'],
      ['e', 'err\n'],
    ] as const) {
      const kept = join(t.user.home, `keep.${letter}${seq(keep)}`);
      assert.equal(await readFile(kept, 'utf8'), text);
      await rm(kept);
    }
    assert.equal((await stat(t.file(`um.o${seq(um)}`))).mode & 0o777, 0o644);
    assert.equal((await stat('/dev/null')).isCharacterDevice(), true);
  });

  test('that cannot be delivered is kept, and the job’s exit status is its own', async () => {
    const id = await t.batch.submit(t.user, 'echo kept; exit 4', ['-o', '/nonexistent/dir/x']);
    assert.equal((await t.batch.wait(id)).exitStatus, 4);
    const kept = await t.batch.run(t.user, ['cat', join(t.batch.dir, 'undelivered', `${id}.OU`)]);
    assert.equal(kept.stdout, 'kept\n');
  });

  test('is complete and unchanged when it is binary and large', async () => {
    const id = await t.batch.submit(t.user, 'head -c 50000000 /dev/zero | tr "\\0" "\\377"; printf "\\0end"');
    await t.batch.wait(id);
    const bytes = await readFile(t.file(`STDIN.o${seq(id)}`));
    assert.equal(bytes.length, 50_000_004);
    assert.equal(bytes.subarray(-4).toString('latin1'), '\0end');
    assert.ok(bytes.subarray(0, -4).every((byte) => byte === 0xff));
  });
});

describe('the end', () => {
  test('of the script ends what it left behind, also daemons with a session and an environment of their own', async () => {
    const id = await t.batch.submit(
      t.user,
      '(setsid sleep 1000 &) ; (setsid env -i sleep 1000 &); sleep 1000 & echo $! ; echo done',
    );
    assert.equal((await t.batch.wait(id)).exitStatus, 0);
    const [pid = ''] = (await t.output(id)).split('\n');
    await assert.rejects(readFile(`/proc/${pid}/status`), { code: 'ENOENT' });
  });

  test('by qdel gives 271, and a TERM trap gets its time', async () => {
    const id = await t.batch.submit(
      t.user,
      'cat >"$TMPDIR/t" <<"E"\ntrap "sleep 0.3; echo trapped; exit 5" TERM\necho up\nsleep 100 & wait\nE\nbash "$TMPDIR/t" & touch "$PBS_O_WORKDIR/up"; wait',
    );
    await until(() => exists(t.file('up')), 'the job is up');
    assert.equal((await t.batch.run(t.user, ['qdel', id])).code, 0);
    assert.equal((await t.batch.wait(id)).exitStatus, 271);
    assert.match(await t.output(id), /trapped/);
  });

  test('by qdel comes after the kill delay when the processes ignore TERM', async () => {
    const id = await t.batch.submit(
      t.user,
      'trap "" TERM; (trap "" TERM; setsid sleep 1000) & touch "$PBS_O_WORKDIR/deaf"; sleep 1000',
      ['-K', '1'],
    );
    await until(() => exists(t.file('deaf')), 'the job is up');
    await t.batch.run(t.user, ['qdel', id]);
    const { exitStatus = 0 } = await t.batch.wait(id);
    assert.ok(exitStatus === 265 || exitStatus === 271, String(exitStatus));
  });

  test('by the walltime says so in the errors and has exit status -11', async () => {
    const id = await t.batch.submit(t.user, 'echo begun; sleep 1000', ['-l', 'walltime=1']);
    assert.equal((await t.batch.wait(id)).exitStatus, -11);
    assert.match(await t.errors(id), /^=>> PBS: job killed: walltime 1 exceeded limit 1$/m);
    assert.equal(await t.output(id), 'begun\n');
  });

  test('by a signal of qsig: the trap runs, the shell dies, the status is 256 plus the number', async () => {
    const script =
      '#!/bin/bash\ntrap "echo got usr1; exit 0" USR1; touch "$PBS_O_WORKDIR/ready"; while :; do sleep 0.1; done\n';
    await writeFile(t.file('sig.sh'), script);
    const id = (await t.batch.run(t.user, ['qsub', 'sig.sh'])).stdout.trim();
    await until(() => exists(t.file('ready')), 'the trap is set');
    assert.equal((await t.batch.run(t.user, ['qsig', '-s', 'SIGNULL', id])).code, 0);
    assert.equal((await t.batch.run(t.user, ['qsig', '-s', 'USR1', id])).code, 0);
    assert.equal((await t.batch.wait(id)).exitStatus, 266);
    assert.equal(await t.output(id, 'sig.sh'), 'got usr1\n');
    const late = await t.batch.run(t.user, ['qsig', '-s', 'USR1', id]);
    assert.equal(late.code, 170);
    assert.equal(late.stderr, `qsig: Request invalid for state of job MSG=invalid state for job - COMPLETE ${id}\n`);
  });
});

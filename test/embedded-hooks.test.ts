// The hooks of the embedded batch system: Torque's order, arguments, environment, streams and exit codes.
import assert from 'node:assert/strict';
import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, test } from 'node:test';
import { exists, parentOf, until, useBatch } from './support/embedded.ts';
import { isRoot } from './support/users.ts';

const t = useBatch();

const momPriv = (): string => join(t.batch.dir, 'mom_priv');
const log = (name = ''): string => join(dirname(t.batch.dir), 'hooklog', name);
const installed = new Set<string>();

/** A hook that says that it runs, and where, and then does what `body` says. */
async function hook(name: string, body = '', path = join(momPriv(), name)): Promise<string> {
  const script = `#!/bin/bash\necho "$PBS_NODENUM \${0##*/}" >>${log('seq')}\n${body}\n`;
  await writeFile(path, script, { mode: 0o755 });
  await chmod(path, 0o755);
  installed.add(path);
  return path;
}

const order = async (): Promise<string[]> =>
  (await readFile(log('seq'), 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
const ran = (line: string): Promise<void> => until(async () => (await order()).includes(line), `${line} has run`);

beforeEach(async () => {
  await mkdir(log());
  await chmod(log(), 0o777);
  await writeFile(log('seq'), '', { mode: 0o666 });
  await chmod(log('seq'), 0o666);
});

afterEach(async () => {
  for (const path of installed) await rm(path, { force: true });
  installed.clear();
  await rm(log(), { recursive: true });
});

const plain = ['prologue', 'prologue.user', 'epilogue.user', 'epilogue'];
const parallel = ['prologue.parallel', 'prologue.user.parallel', 'epilogue.user.parallel', 'epilogue.parallel'];

test('hooks run in Torque’s order, and write into the output of the job', async () => {
  for (const name of [...plain, ...parallel]) await hook(name, `echo "out of ${name}"; echo "err of ${name}" >&2`);
  const own = await hook('own', 'echo "out of $(basename "$0")"', t.file('own'));
  const ownEnd = await hook('ownend', 'echo "out of $(basename "$0")"', t.file('ownend'));
  await t.batch.run(t.user, ['sh', '-c', 'cp own mine; cp ownend mineend']);
  const id = await t.batch.submit(t.user, `echo "0 job" >>${log('seq')}; echo job; exit 7`, [
    '-l',
    `nodes=1,prologue=${t.file('mine')},epilogue=mineend`,
  ]);
  assert.equal((await t.batch.wait(id)).exitStatus, 7);
  const expected = ['prologue', 'prologue.user', 'mine', 'job', 'mineend', 'epilogue.user', 'epilogue'];
  assert.deepEqual(
    await order(),
    expected.map((name) => `0 ${name}`),
  );
  assert.equal(await t.output(id), expected.map((name) => (name === 'job' ? 'job\n' : `out of ${name}\n`)).join(''));
  assert.match(await t.errors(id), /^err of prologue\nerr of prologue.user\nerr of epilogue.user\nerr of epilogue\n$/);
  await t.batch.run(t.user, ['rm', 'mine', 'mineend']);
  await rm(own);
  await rm(ownEnd);
});

test('the other nodes of a job prepare before the first one, and clear up before it', async () => {
  for (const name of [...plain, ...parallel]) await hook(name);
  const id = await t.batch.submit(t.user, `echo "0 job" >>${log('seq')}`, ['-l', 'nodes=2:ppn=2']);
  assert.equal((await t.batch.wait(id)).exitStatus, 0);
  const expected = ['1 prologue.parallel', '1 prologue.user.parallel', '0 prologue', '0 prologue.user', '0 job'];
  const after = ['1 epilogue.user.parallel', '1 epilogue.parallel', '0 epilogue.user', '0 epilogue'];
  assert.deepEqual(await order(), [...expected, ...after]);
});

const probe = (name: string): string => `{
echo "fd0 $(readlink /proc/$$/fd/0)"; for a; do echo "arg $a"; done; echo "cwd $PWD"; echo "umask $(umask)"
echo "uid $(id -u) gid $(id -g)"; env | grep -v -e ^_= -e ^SHLVL= -e ^PWD= | sort; grep SigIgn /proc/$$/status
echo "sid $(cut -d ' ' -f 6 /proc/$$/stat) $$"
} >>${log(name)}.$PBS_NODENUM`;

/** What a probe saw. */
const seen = async (name: string, node = 0): Promise<string[]> =>
  (await readFile(log(`${name}.${node}`), 'utf8')).split('\n');

test('hooks have Torque’s arguments, environment, directory, umask and rights', async () => {
  for (const name of [...plain, ...parallel]) await hook(name, probe(name));
  const id = await t.batch.submit(t.user, 'exit 3', ['-A', 'proj', '-N', 'hooky', '-l', 'nodes=2:ppn=2,walltime=100']);
  const { session } = await t.batch.wait(id);
  const { name, uid, gid, home } = t.user;
  const script = join(momPriv(), `jobs/${id}.SC`);
  const resources = 'nodes=2:ppn=2,walltime=00:01:40,neednodes=2:ppn=2';
  const args = (lines: string[]): string[] =>
    lines.filter((line) => line.startsWith('arg ')).map((line) => line.slice(4));
  const group = (await t.batch.run(t.user, ['id', '-gn'])).stdout.trim();
  const first = [id, name, group, 'hooky'];
  assert.deepEqual(args(await seen('prologue')), [...first, resources, 'batch', 'proj', script]);
  assert.deepEqual(args(await seen('prologue.parallel', 1)), [...first, resources, 'batch', 'proj', script]);
  const [used, ...rest] = args(await seen('epilogue')).slice(6);
  assert.match(used ?? '', /^cput=\d\d:\d\d:\d\d,vmem=\d+kb,walltime=\d\d:\d\d:\d\d,mem=\d+kb,energy_used=0$/);
  assert.deepEqual(rest, ['batch', 'proj', '3', script]);
  assert.deepEqual(args(await seen('epilogue')).slice(0, 6), [...first, String(session), resources]);
  assert.equal(args(await seen('epilogue.parallel', 1))[4], '0');
  const environment = (lines: string[]): string[] => lines.filter((line) => /^[A-Z_]+=/.test(line));
  const node = (number: number): string[] => [
    'LANG=C.UTF-8',
    'PATH=/bin:/usr/bin',
    'PBS_MSHOST=node1',
    ...(number === 0 ? [`PBS_NODEFILE=${t.batch.dir}/aux//${id}`] : []),
    `PBS_NODENUM=${number}`,
    'PBS_NP=4',
    'PBS_NUM_NODES=2',
    'PBS_NUM_PPN=2',
    `PBS_O_WORKDIR=${t.user.work}`,
    'PBS_RESOURCE_NODES=2:ppn=2',
    'VTORQUE_ATTEMPT=1',
    'VTORQUE_HOSTS=node1 node2',
    `VTORQUE_LOCAL=${t.batch.dir}`,
  ];
  assert.deepEqual(environment(await seen('prologue')), node(0));
  assert.deepEqual(environment(await seen('epilogue.user.parallel', 1)), node(1));
  const [root, user] = [isRoot ? 'uid 0 gid 0' : `uid ${uid} gid ${gid}`, `uid ${uid} gid ${gid}`];
  for (const [hookName, number, cwd, umask, who] of [
    ['prologue', 0, momPriv(), '0077', root],
    ['prologue.user', 0, home, '0077', user],
    ['prologue.parallel', 1, momPriv(), '0022', root],
    ['prologue.user.parallel', 1, home, '0022', user],
    ['epilogue', 0, momPriv(), '0022', root],
    ['epilogue.parallel', 1, momPriv(), '0022', root],
  ] as const) {
    const lines = await seen(hookName, number);
    for (const line of [`cwd ${cwd}`, `umask ${umask}`, who, 'fd0 /dev/null', 'SigIgn:\t0000000000001004']) {
      assert.ok(lines.includes(line), `${hookName}: ${line} in ${lines.join(' | ')}`);
    }
    const [, sid, pid] = /^sid (\d+) (\d+)$/m.exec(lines.join('\n')) ?? [];
    assert.equal(sid, pid, 'it leads its own session');
  }
});

test('the streams of the other nodes’ hooks lead nowhere, and their last ones are closed', async () => {
  for (const name of ['prologue.parallel', 'epilogue.parallel']) {
    await hook(name, `ls /proc/$$/fd >${log(name)}; readlink /proc/$$/fd/1 >>${log(name)}; true`);
  }
  await t.batch.wait(await t.batch.submit(t.user, 'true', ['-l', 'nodes=2']));
  assert.match(await readFile(log('prologue.parallel'), 'utf8'), /^0\n1\n2\n[\s\S]*\/dev\/null\n$/);
  assert.doesNotMatch(await readFile(log('epilogue.parallel'), 'utf8'), /^2$/m);
});

describe('a hook that fails', () => {
  test('with 1 in the prologue ends the job: exit status -2, no output, but the epilogues', async () => {
    for (const name of plain) await hook(name, name === 'prologue' ? 'echo lost; exit 1' : '');
    const id = await t.batch.submit(t.user, 'echo never');
    const job = await t.batch.wait(id);
    assert.deepEqual([job.exitStatus, job.startCount], [-2, 1]);
    assert.deepEqual(await order(), ['0 prologue', '0 epilogue.user', '0 epilogue']);
    await assert.rejects(t.output(id), { code: 'ENOENT' });
  });

  test('with anything else in the prologue sends it back to the queue, and holds it after ten starts', async () => {
    await hook('prologue', 'exit 2');
    await hook('epilogue');
    const id = await t.batch.submit(t.user, 'echo once');
    const job = await t.batch.waitFor(id, ({ state }) => state === 'H');
    assert.deepEqual([job.startCount, job.holds], [10, 's']);
    assert.equal(job.comment, 'Held after 10 starts: hook prologue failed on node1');
    assert.deepEqual(await order(), Array.from({ length: 10 }, () => ['0 prologue', '0 epilogue']).flat());
    await rm(join(momPriv(), 'prologue'));
    if (isRoot) {
      await t.batch.run({ ...t.user, name: 'root', uid: 0, become: [] }, ['qrls', '-h', 's', id]);
    } else await t.batch.run(t.user, ['qrls', '-h', 's', id]);
    assert.equal((await t.batch.wait(id)).exitStatus, 0);
    assert.equal(await t.output(id), 'once\n');
  });

  test('on another node sends the job back; the first node clears up, the others do not', async () => {
    await hook('prologue.parallel', `[ -e ${log('again')} ] || { touch ${log('again')}; exit 1; }`);
    for (const name of ['prologue', 'epilogue', 'epilogue.parallel']) await hook(name);
    const id = await t.batch.submit(t.user, 'true', ['-l', 'nodes=2']);
    const job = await t.batch.wait(id);
    assert.deepEqual([job.exitStatus, job.startCount], [0, 2]);
    const second = ['1 prologue.parallel', '0 prologue', '1 epilogue.parallel', '0 epilogue'];
    assert.deepEqual(await order(), ['1 prologue.parallel', '0 epilogue', ...second]);
  });

  test('in the epilogue changes nothing', async () => {
    await hook('epilogue', 'exit 2');
    const id = await t.batch.submit(t.user, 'exit 5');
    assert.equal((await t.batch.wait(id)).exitStatus, 5);
  });

  test('is one that others may write to, and is not run', async () => {
    const path = await hook('prologue');
    await chmod(path, 0o775);
    const id = await t.batch.submit(t.user, 'true');
    const { comment } = await t.batch.waitFor(id, ({ state }) => state === 'H');
    assert.match(comment ?? '', /hook prologue failed/);
    assert.deepEqual(await order(), []);
    await t.batch.run(t.user, ['qdel', id]);
  });
});

test('qsub -T NAME takes the hooks with that ending where there are such', async () => {
  for (const name of ['prologue', 'prologue.vm', 'epilogue']) await hook(name);
  await t.batch.wait(await t.batch.submit(t.user, 'true', ['-T', 'vm']));
  assert.deepEqual(await order(), ['0 prologue.vm', '0 epilogue']);
  const { code } = await t.batch.run(t.user, ['qsub', '-T', '../../x'], { input: 'true' });
  assert.equal(code, 168);
});

test('the root prologue may change the script', async () => {
  await hook('prologue', 'echo "echo rewritten" >"$8"');
  const id = await t.batch.submit(t.user, 'echo original');
  await t.batch.wait(id);
  assert.equal(await t.output(id), 'rewritten\n');
});

test('an element of an array has its brackets in the id, and none in the script’s name', async () => {
  await hook('prologue', `echo "$1 $4 $8" >${log('args')}`);
  const id = await t.batch.submit(t.user, 'true', ['-t', '3', '-N', 'arr']);
  await t.batch.wait(id);
  const script = join(momPriv(), `jobs/${id.replace('[]', '-3')}.SC`);
  assert.equal(await readFile(log('args'), 'utf8'), `${id.replace('[]', '[3]')} arr-3 ${script}\n`);
});

test('qrerun runs the epilogues before the job starts again', async () => {
  for (const name of ['prologue', 'epilogue']) await hook(name);
  const id = await t.batch.submit(t.user, `[ -e ${log('again')} ] || { touch ${log('again')}; sleep 1000; }`);
  await until(() => exists(log('again')), 'it runs');
  const root = { ...t.user, name: 'root', uid: 0, become: [] };
  assert.deepEqual((await t.batch.run(isRoot ? root : t.user, ['qrerun', id])).stderr, '');
  assert.equal((await t.batch.wait(id)).startCount, 2);
  assert.deepEqual(await order(), ['0 prologue', '0 epilogue', '0 prologue', '0 epilogue']);
});

describe('qdel', () => {
  test('of a running job lets epilogue.precancel run before the job gets its signal', async () => {
    await hook('epilogue.precancel', 'sleep 0.3');
    await hook('epilogue');
    const id = await t.batch.submit(
      t.user,
      `trap 'echo "0 TERM" >>${log('seq')}; exit' TERM; touch ${log('up')}; sleep 1000 & wait`,
    );
    await until(() => exists(log('up')), 'it runs');
    await t.batch.run(t.user, ['qdel', id]);
    await t.batch.wait(id);
    assert.deepEqual(await order(), ['0 epilogue.precancel', '0 TERM', '0 epilogue']);
  });

  test('while the prologue runs ends that, runs no job, and clears up', async () => {
    await hook('prologue', 'sleep 1000');
    for (const name of ['prologue.user', 'epilogue.precancel', 'epilogue.user', 'epilogue']) await hook(name);
    const id = await t.batch.submit(t.user, 'echo never');
    await ran('0 prologue');
    await t.batch.run(t.user, ['qdel', '-W', '0', id]);
    assert.equal((await t.batch.wait(id)).exitStatus, 271);
    assert.deepEqual(await order(), ['0 prologue', '0 epilogue.precancel', '0 epilogue.user', '0 epilogue']);
  });

  test('a passed walltime runs epilogue.precancel, too', async () => {
    await hook('epilogue.precancel');
    const id = await t.batch.submit(t.user, 'sleep 1000', ['-l', 'walltime=1']);
    assert.equal((await t.batch.wait(id)).exitStatus, -11);
    assert.deepEqual(await order(), ['0 epilogue.precancel']);
  });
});

describe('whatever is killed', () => {
  const gate = (name: string): string => `while [ ! -e ${log(name)} ]; do sleep 0.02; done`;

  test('each hook of an attempt runs once over kill -9 of the daemon in the prologue and in the epilogue', async () => {
    await hook('prologue', gate('one'));
    await hook('epilogue', gate('two'));
    const id = await t.batch.submit(t.user, 'exit 4');
    for (const [line, file] of [
      ['0 prologue', 'one'],
      ['0 epilogue', 'two'],
    ] as const) {
      await ran(line);
      await t.batch.killDaemon();
      if (file === 'two') {
        await writeFile(log(file), '');
        await until(() => exists(t.file(`STDIN.o${/^\d+/.exec(id)?.[0]}`)), 'the job ends without the daemon');
      }
      await t.batch.start();
      await writeFile(log(file), '');
    }
    const job = await t.batch.wait(id);
    assert.deepEqual([job.exitStatus, job.startCount], [4, 1]);
    assert.deepEqual(await order(), ['0 prologue', '0 epilogue']);
  });

  for (const which of ['inner', 'both'] as const) {
    test(`the epilogues run when ${which === 'both' ? 'both shepherds are' : 'the inner shepherd is'} killed during the job`, async () => {
      for (const name of [...plain, ...parallel]) await hook(name);
      const id = await t.batch.submit(t.user, 'sleep 1000', ['-l', 'nodes=2']);
      const { session = 0 } = await t.batch.waitFor(id, (job) => job.session !== undefined);
      const inner = await parentOf(session);
      const outer = await parentOf(inner);
      for (const pid of which === 'both' ? [outer, inner] : [inner]) process.kill(pid, 'SIGKILL');
      assert.equal((await t.batch.wait(id)).exitStatus, -2);
      assert.deepEqual((await order()).slice(4), [
        '1 epilogue.user.parallel',
        '1 epilogue.parallel',
        '0 epilogue.user',
        '0 epilogue',
      ]);
    });
  }

  test('an epilogue that was killed with its shepherd runs again, and those before it do not', async () => {
    await hook('epilogue.user');
    await hook(
      'epilogue',
      `[ -e ${log('second')} ] || { touch ${log('second')}; echo $PPID >${log('chain')}; sleep 1000; }`,
    );
    const id = await t.batch.submit(t.user, 'exit 6');
    await until(async () => (await readFile(log('chain'), 'utf8').catch(() => '')) !== '', 'the epilogue runs');
    process.kill(await parentOf(Number(await readFile(log('chain'), 'utf8'))), 'SIGKILL');
    assert.equal((await t.batch.wait(id)).exitStatus, 6);
    assert.deepEqual(await order(), ['0 epilogue.user', '0 epilogue', '0 epilogue']);
  });
});

test('a prologue that fails ends an interactive job, which has shown why', async () => {
  await hook('prologue', 'echo "no such thing"; exit 2');
  await hook('epilogue');
  const { stdout, code } = await t.batch.run(t.user, ['qsub', '-I', '-x', 'echo', 'never']);
  assert.match(stdout, /ready\n\nno such thing\r\n\nqsub: job \S+ completed\n$/);
  assert.equal(code, 0);
  const [, id = ''] = /qsub: job (\S+) ready/.exec(stdout) ?? [];
  assert.equal((await t.batch.wait(id)).exitStatus, -2);
  assert.deepEqual(await order(), ['0 prologue', '0 epilogue']);
});

test('the prologue of an interactive job writes to its terminal, and its epilogue runs when qsub has ended', async () => {
  await hook('prologue', 'echo "out of prologue"');
  await hook('epilogue', `while [ ! -e ${log('ended')} ]; do sleep 0.02; done; echo "out of epilogue"`);
  const { stdout } = await t.batch.run(t.user, ['qsub', '-I', '-x', 'echo', 'job']);
  assert.match(stdout, /ready\n\nout of prologue\r\njob\r\n\nqsub: job \S+ completed\n$/);
  await writeFile(log('ended'), '');
  await ran('0 epilogue');
  const [, id = ''] = /qsub: job (\S+) ready/.exec(stdout) ?? [];
  await t.batch.wait(id);
});

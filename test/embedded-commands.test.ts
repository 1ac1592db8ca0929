import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { VtorqueError } from '../src/base/index.ts';
import { runDaemon } from '../src/engine/embedded/daemon.ts';
import { helpersIn, instanceInfo } from '../src/engine/embedded/index.ts';
import { findEngine } from '../src/engine/index.ts';
import { agentProgram, installRoot } from '../src/site/index.ts';
import { execute } from './support/cluster.ts';
import { useBatch } from './support/embedded.ts';

const INFEASIBLE =
  'MSG=cannot locate feasible nodes (nodes file is empty, all systems are busy, or no nodes have the requested feature)';

const t = useBatch();

describe('qsub', () => {
  const script = 'true';
  for (const [args, text, code] of [
    [['nofile.sh'], "qsub: script file 'nofile.sh' cannot be loaded - No such file or directory", 1],
    [['-l', 'foo=bar'], 'qsub: submit error (Unknown resource type  Resource_List.foo)', 189],
    [['-l', 'nodes=99'], `qsub: submit error (Job exceeds queue resource limits ${INFEASIBLE})`, 190],
    [['-l', 'nodes=1:ppn=9999'], `qsub: submit error (Job exceeds queue resource limits ${INFEASIBLE})`, 190],
    [['-l', 'nodes=nosuch'], `qsub: submit error (Job exceeds queue resource limits ${INFEASIBLE})`, 190],
    [['-l', 'mem=999999gb'], `qsub: submit error (Job exceeds queue resource limits ${INFEASIBLE})`, 190],
    [['-l', 'walltime=xx'], 'qsub: submit error (Illegal attribute or resource value for Resource_List.walltime)', 168],
    [['-l', 'mem=abc'], 'qsub: submit error (Illegal attribute or resource value for Resource_List.mem)', 168],
    [['-q', 'nosuch'], 'qsub: submit error (Unknown queue MSG=requested queue not found)', 172],
    [['-Z'], "qsub: invalid option -- 'Z'", 2],
    [['-N', 'bad name'], '[qsub: illegal -N value]', 2],
    [['-j', 'zz'], '[qsub: illegal -j value]', 2],
    [['-t', 'x'], 'qsub: submit error (Bad Job Array Request)', 235],
    [['-d', '/nosuch'], '[qsub: illegal -d value]', 2],
    [['-w', '/nosuch'], "qsub: Requested working directory '/nosuch' is not a valid directory", 3],
    [['-l'], "qsub: option requires an argument -- 'l'", 2],
    [['-W', 'foo=bar'], 'qsub: submit error (Undefined attribute  MSG=detected presence of an unknown attribute)', 154],
    [['-W', 'umask=0777777'], '[qsub: Invalid umask value, too many digits: 0777777]', 2],
    [['/tmp'], 'qsub: script not a file', 1],
    [['/bin/ls'], 'qsub:  file must be an ascii script', 1],
    [['-h', '/etc/passwd', 'extra'], '[index issues]', 2],
    [['-W', 'depend=afterok:9999'], 'qsub: submit error (Invalid Job Dependency)', 208],
    [['-W', 'depend=sometime:1'], '[qsub: illegal -W value]', 2],
    [['-W', 'depend=synccount:2'], 'qsub: -W depend=synccount is not available in the embedded batch system', 1],
    [['-W', 'group_list=x'], 'qsub: -W group_list is not available in the embedded batch system', 1],
    [['-a', '203001010000'], 'qsub: -a is not available in the embedded batch system', 1],
    [['-l', 'procs=4'], 'qsub: submit error (resource procs is not available in the embedded batch system)', 189],
    [['-o', 'elsewhere:/tmp/x'], 'qsub: output to host "elsewhere" is not available in the embedded batch system', 1],
  ] as const) {
    test(`refuses ${args.join(' ')} with exit code ${code}, and queues nothing`, async () => {
      const queued = (await t.batch.run(t.user, ['qstat'])).stdout;
      const result = await t.batch.run(t.user, ['qsub', ...args], { input: script });
      assert.deepEqual({ code: result.code, text: result.stderr.split('\n')[0] }, { code, text });
      assert.equal(result.stdout, '');
      assert.equal((await t.batch.run(t.user, ['qstat'])).stdout, queued);
    });
  }

  test('obeys directives, and the command line beats them', async () => {
    const head =
      '#!/bin/sh\n#PBS -N fromscript -l nodes=1:ppn=2,walltime=50\n#PBS -v A=1\necho "$A $PBS_NP $PBS_WALLTIME"\n';
    const id = await t.batch.submit(t.user, head, ['-l', 'walltime=70', '-N', 'cli']);
    await t.batch.wait(id);
    assert.equal(await t.output(id, 'cli'), '1 2 70\n');
  });

  test('prints nothing with -z', async () => {
    assert.equal(await t.batch.submit(t.user, 'true', ['-z', '-o', '/dev/null', '-e', '/dev/null']), '');
  });

  test('takes a script of 20 MB', async () => {
    const id = await t.batch.submit(t.user, `echo ok\nexit 0\n${'#'.repeat(20 << 20)}`);
    assert.equal((await t.batch.wait(id)).exitStatus, 0);
    assert.equal(await t.output(id), 'ok\n');
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
    ].map((command) => t.batch.run(t.user, command)),
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
  const pid = (await instanceInfo(t.batch.env))?.pid;
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
    const socket = connect(join(t.batch.dir, 'socket'));
    socket.on('error', () => {});
    socket.end(bytes);
    const answer = await text(socket).catch(() => '');
    if (answer !== '') assert.equal((JSON.parse(answer) as { ok: boolean }).ok, false, answer);
  }
  assert.equal((await instanceInfo(t.batch.env))?.pid, pid);
});

describe('vtorque local', () => {
  const vtorque = (...args: string[]) =>
    execute([join(installRoot, 'bin/vtorque'), 'local', ...args], { env: { ...process.env, VTORQUE_LOCAL: '' } });

  test('start says that it runs already, and that nothing changes, and exits with 0', async () => {
    const { code, stdout } = await vtorque('start', '--dir', t.batch.dir);
    assert.equal(code, 0);
    assert.match(stdout, /runs already: 2 nodes with 4 slots/);
    assert.doesNotMatch(stdout, /local stop/);
    const other = await vtorque('start', '--dir', t.batch.dir, '--np', '2');
    assert.equal(other.code, 0);
    assert.match(other.stdout, /runs already: 2 nodes with 4 slots.*\n.* run first: vtorque local stop$/m);
  });

  test('start goes on with the nodes and slots of a daemon that was killed, unless it is told otherwise', async () => {
    const nodes = async () => (await instanceInfo(t.batch.env))?.nodes.map(({ name, np }) => [name, np]);
    await t.batch.killDaemon();
    await vtorque('start', '--dir', t.batch.dir, '--np', '3');
    assert.deepEqual(await nodes(), [
      ['node1', 3],
      ['node2', 3],
    ]);
    await t.batch.killDaemon();
    await t.batch.start();
    assert.deepEqual(await nodes(), [
      ['node1', 4],
      ['node2', 4],
    ]);
  });

  test('status shows nodes and jobs, and exits with 1 where nothing runs', async () => {
    const { stdout } = await vtorque('status', '--dir', t.batch.dir);
    assert.match(stdout, /^node2 {2}4$/m);
    const json = JSON.parse((await vtorque('status', '--json', '--dir', t.batch.dir)).stdout) as {
      jobs: { R: number };
    };
    assert.equal(json.jobs.R, 0);
    const none = await vtorque('status', '--dir', join(t.batch.dir, 'nosuch'));
    assert.equal(none.code, 1);
    assert.match(none.stdout, /does not run/);
  });

  test('env prints what a shell needs to find the commands and this instance', async () => {
    const { stdout } = await vtorque('env', '--dir', t.batch.dir);
    const shell = await t.batch.run(
      t.user,
      ['sh', '-c', `${stdout}\ncommand -v qsub; command -v vsub; echo "$VTORQUE_LOCAL"`],
      {
        env: { VTORQUE_LOCAL: '/nonexistent' },
      },
    );
    assert.match(shell.stdout, /\/libexec\/pbs\/qsub\n.*\/bin\/vsub\n/);
    assert.ok(shell.stdout.endsWith(`${t.batch.dir}\n`));
  });

  test('refuses numbers that make no sense with exit code 2', async () => {
    for (const args of [
      ['--nodes', '0'],
      ['--np', 'x'],
      ['--keep-completed', '-1'],
    ]) {
      assert.equal((await vtorque('start', '--dir', join(t.batch.dir, 'nosuch'), ...args)).code, 2, args.join(' '));
    }
  });
});

test('is found by vsub without being on PATH, and tells its nodes', async () => {
  const engine = await findEngine({ PATH: '/nonexistent', VTORQUE_LOCAL: t.batch.dir });
  assert.equal(engine.name, 'embedded');
  assert.match(engine.qsub ?? '', /^\/.*\/libexec\/pbs\/qsub$/);
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
    runDaemon({ dir: t.batch.dir, nodes: 1, np: 1, keepCompletedS: 1, helpers, version: 'test' }),
    (error: unknown) => error instanceof VtorqueError && error.code === 'E_LOCAL_RUNNING',
  );
});

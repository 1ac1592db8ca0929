// Interactive jobs of the embedded batch system, without VMs, at real terminals.
import assert from 'node:assert/strict';
import { chown, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { parseAuthority } from '../src/x11/authority.ts';
import { authorityFile, COOKIE_PROTOCOL, cookieOf } from '../src/x11/index.ts';
import { PATIENCE_MS, useBatch } from './support/embedded.ts';
import { processesOf } from './support/processes.ts';
import { answer, followsTheWindow, interruptsForeground } from './support/shell-at-terminal.ts';
import { type AtTerminal, atTerminal } from './support/terminal.ts';

const t = useBatch();

function qsub(...args: string[]): Promise<AtTerminal> {
  return run('qsub', ...args);
}

function run(...command: string[]): Promise<AtTerminal> {
  const { name, home, become, work } = t.user;
  const env = { ...t.batch.env, HOME: home, USER: name, LOGNAME: name, SHELL: '/bin/bash', TERM: 'vt100', PS1: '' };
  return atTerminal(command, { become, env, cwd: work, withinMs: PATIENCE_MS });
}

async function ready(terminal: AtTerminal): Promise<string> {
  const [, id = ''] = await terminal.expect(/qsub: waiting for job (\S+) to start\r\n/);
  await terminal.expect(new RegExp(`qsub: job ${id} ready\r\n\r\n`));
  return id;
}

test('qsub -I gives a login shell of the job at a terminal, and ends with 0 whatever the shell said', async () => {
  await using terminal = await qsub('-I', '-l', 'walltime=60');
  const id = await ready(terminal);
  assert.equal(
    await answer(terminal, 'echo $0 $PBS_ENVIRONMENT $PBS_JOBID $TERM; pwd'),
    `-bash PBS_INTERACTIVE ${id} vt100 ${t.user.home}`,
  );
  assert.match(await answer(terminal, 'tty'), /^\/dev\/pts\/\d+$/);
  terminal.type('exit 5\r');
  await terminal.expect(new RegExp(`logout\r\n\r\nqsub: job ${id} completed\r\n`));
  assert.equal(await terminal.exit, 0);
  assert.equal((await t.batch.wait(id)).exitStatus, 5);
});

test('the job’s terminal has the size of qsub’s, also after it has changed', async () => {
  await using terminal = await qsub('-I');
  await ready(terminal);
  await followsTheWindow(terminal);
  terminal.type('exit\r');
  assert.equal(await terminal.exit, 0);
});

test('Ctrl-C reaches the program in the foreground, and neither the shell nor qsub', async () => {
  await using terminal = await qsub('-I');
  await ready(terminal);
  await interruptsForeground(terminal);
  terminal.type('exit\r');
  assert.equal(await terminal.exit, 0);
});

test('what the job writes last is there, and the terminal is as before', async () => {
  const script = 'stty -g; qsub -I -x seq 1 200000; stty -g; echo "qsub ended with $?"';
  await using terminal = await run('bash', '-c', script);
  const [, before] = await terminal.expect(/^([0-9a-f:]+)\r\n/);
  await terminal.expect(/\n199999\r\n200000\r\n\r\nqsub: job \S+ completed\r\n/);
  const [, after] = await terminal.expect(/([0-9a-f:]+)\r\nqsub ended with 0\r\n/);
  assert.equal(after, before);
});

test('qsub -I -x runs a command by the login shell, also without a terminal', async () => {
  const { stdout, code } = await t.batch.run(t.user, ['qsub', '-I', '-x', 'echo', '$0', '"a  b"']);
  assert.match(
    stdout,
    /^qsub: waiting for job \S+ to start\nqsub: job \S+ ready\n\n-bash a {2}b\r\n\nqsub: job \S+ completed\n$/,
  );
  assert.equal(code, 0);
  const withOptions = await t.batch.run(t.user, ['qsub', '-I', '-x', '--', 'ls', '-d', '/']);
  assert.match(withOptions.stdout, /ready\n\n\/\r\n\nqsub/);
});

test('what pbsdsh starts in an interactive job writes to its terminal', async () => {
  await using terminal = await qsub('-I', '-l', 'nodes=2');
  await ready(terminal);
  terminal.type('PATH=$PBS_O_PATH pbsdsh sh -c "echo ta""sk \\$PBS_NODENUM"; echo do""ne\r');
  await terminal.expect(/task [01]\r\ntask [01]\r\n[\s\S]*done\r\n/);
});

test('a script counts for its directives only', async () => {
  await t.batch.run(t.user, [
    'sh',
    '-c',
    'printf "#PBS -N named\\n#PBS -l walltime=77\\necho from the script\\n" >is.sh',
  ]);
  await using terminal = await qsub('-I', 'is.sh');
  await ready(terminal);
  assert.equal(await answer(terminal, 'echo $PBS_JOBNAME $PBS_WALLTIME'), 'named 77');
});

test('kill -9 of qsub ends the job, and the terminal is as before', async () => {
  await using terminal = await run('bash', '-c', 'stty -g; qsub -I; sleep 0.5; stty -g; echo back');
  const [, before] = await terminal.expect(/^([0-9a-f:]+)\r\n/);
  const id = await ready(terminal);
  const pid = await answer(terminal, 'echo $$; nohup setsid sleep 1000 >/dev/null 2>&1 &');
  assert.ok(pid);
  const [client] = await processesOf(t.user, /^start pbs$/);
  process.kill(client.pid, 'SIGKILL');
  await t.batch.wait(id);
  const [, after] = await terminal.expect(/([0-9a-f:]+)\r\nback\r\n/);
  assert.equal(after, before);
});

test('a terminal that hangs up ends the job', async () => {
  await using terminal = await qsub('-I');
  const id = await ready(terminal);
  terminal.hangUp();
  await t.batch.wait(id);
});

test('qdel ends the job, and a passed walltime is told', async () => {
  await using deleted = await qsub('-I');
  const id = await ready(deleted);
  await t.batch.run(t.user, ['qdel', id]);
  await deleted.expect(new RegExp(`qsub: job ${id} completed`));
  assert.equal(await deleted.exit, 0);
  await using late = await qsub('-I', '-l', 'walltime=1');
  await ready(late);
  await late.expect(/=>> PBS: job killed: walltime \d+ exceeded limit 1\r\n/);
  assert.equal(await late.exit, 0);
});

test('a restart of the daemon ends what waits, with a clear message, and leaves what runs', async () => {
  await using running = await qsub('-I', '-l', 'nodes=2:ppn=4');
  await ready(running);
  await using waiting = await qsub('-I');
  const [, id = ''] = await waiting.expect(/qsub: waiting for job (\S+) to start\r\n/);
  await t.batch.killDaemon();
  await waiting.expect(new RegExp(`qsub: job ${id} cannot be run: [^\r]*\r\n`));
  assert.notEqual(await waiting.exit, 0);
  await t.batch.start();
  assert.equal((await t.batch.wait(id)).exitStatus, 271);
  assert.equal(await answer(running, 'echo alive'), 'alive');
});

test('interrupted while it waits, qsub asks, and takes the job back', async () => {
  await using running = await qsub('-I', '-l', 'nodes=2:ppn=4');
  await ready(running);
  await using waiting = await qsub('-I');
  const [, id = ''] = await waiting.expect(/qsub: waiting for job (\S+) to start\r\n/);
  waiting.type('\x03');
  await waiting.expect(/Do you wish to terminate the job and exit \(y\|\[n\]\)\? /);
  waiting.type('y\r');
  await waiting.expect(new RegExp(`Job ${id} is being deleted\r\n`));
  assert.equal(await waiting.exit, 0);
  assert.equal((await t.batch.wait(id)).exitStatus, 271);
});

test('what cannot be an interactive job is refused in qsub’s words', async () => {
  const refused = async (args: string[], code: number, text: RegExp): Promise<void> => {
    const result = await t.batch.run(t.user, ['qsub', ...args], { input: 'true\n' });
    assert.deepEqual([result.code, text.test(result.stderr)], [code, true], result.stderr);
  };
  await refused(
    ['-I'],
    1,
    /^qsub:\tstandard input and output must be a terminal for \n\tinteractive job submission\n$/,
  );
  await refused(['-I', '-t', '1-5'], 2, /^qsub: interactive job can not be job array\.\n$/);
  await refused(['-x'], 2, /^\[qsub: '-x' invalid on non-interactive job\]\n\nusage: /);
  await refused(['-X'], 2, /^\[qsub: DISPLAY not set\]\n/);
});

test('qsub -I -X gives the job the display, with an authority file of its own that goes with it', async () => {
  const cookie = Buffer.from('0123456789abcdef');
  await writeFile(t.file('authority'), authorityFile(hostname(), 77, COOKIE_PROTOCOL, cookie), { mode: 0o600 });
  await chown(t.file('authority'), t.user.uid, t.user.gid);
  const env = { DISPLAY: ':77.1', XAUTHORITY: t.file('authority') };
  await using terminal = await run('env', ...Object.entries(env).map(([k, v]) => `${k}=${v}`), 'qsub', '-I', '-X');
  const id = await ready(terminal);
  await rm(t.file('authority'));
  assert.equal(await answer(terminal, 'echo $DISPLAY; stat -c "%a %U" $XAUTHORITY'), `:77.1 600 ${t.user.name}`);
  const path = await answer(terminal, 'echo $XAUTHORITY');
  assert.deepEqual(await cookieOf({ host: '', number: 77, screen: 1 }, parseAuthority(await readFile(path))), cookie);
  const { stdout } = await t.batch.run(t.user, ['sh', '-c', `qstat -f ${id}; qstat -x ${id}; ps -eo args`]);
  const stored = await storedBelow(join(t.batch.dir, 'server_priv'));
  assert.ok(stored.includes(path));
  for (const form of ['latin1', 'hex', 'base64'] as const) {
    assert.ok(!stdout.includes(cookie.toString(form)) && !stored.includes(cookie.toString(form)), form);
  }
  terminal.type('exit\r');
  assert.equal(await terminal.exit, 0);
  await t.batch.wait(id);
  await assert.rejects(readFile(path), { code: 'ENOENT' });
});

/** All that is in the files of a directory. FIFOs do not count. */
async function storedBelow(directory: string): Promise<string> {
  const files = (await readdir(directory, { recursive: true, withFileTypes: true })).filter((file) => file.isFile());
  const texts = await Promise.all(files.map(({ parentPath, name }) => readFile(join(parentPath, name), 'latin1')));
  return texts.join('\n');
}

test('qsub -X without a display, or without its cookie, is refused in qsub’s words; a batch job gets no display', async () => {
  const refused = async (env: Record<string, string>, words: string): Promise<void> => {
    for (const args of [['-X'], ['-I', '-X', '-x', 'true']]) {
      const { stderr, code } = await t.batch.run(t.user, ['qsub', ...args], { env, input: 'true\n' });
      assert.ok(stderr.startsWith(`[${words}]\n\nusage: qsub [-a date_time]`), stderr);
      assert.equal(code, 2);
    }
  };
  await refused({}, 'qsub: DISPLAY not set');
  await refused({ DISPLAY: 'nonsense' }, 'qsub: Failed to get xauth data (check $DISPLAY variable)');
  await refused({ DISPLAY: ':77' }, 'qsub: Failed to get xauth data (check $DISPLAY variable)');

  await writeFile(t.file('authority'), authorityFile(hostname(), 77, COOKIE_PROTOCOL, Buffer.from('secret')));
  const env = { DISPLAY: ':77', XAUTHORITY: t.file('authority') };
  const id = await t.batch.submit(t.user, 'echo "<$DISPLAY$XAUTHORITY>"\n', ['-X'], { env });
  await t.batch.wait(id);
  assert.equal(await t.output(id), '<>\n');
});

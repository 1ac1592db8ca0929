import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { torqueDialect } from '../torque/dialect.ts';
import { PbsCommands } from './commands.ts';
import { PbsEngine } from './engine.ts';

const element = (index: number, state: string): string =>
  `<Job><Job_Id>7[${index}].head</Job_Id><Job_Name>arr-${index}</Job_Name><Job_Owner>u@head</Job_Owner>` +
  `<job_state>${state}</job_state><queue>batch</queue><exec_host>n1/${index}</exec_host></Job>`;
const XML = `<Data>${element(1, 'C')}${element(2, 'R')}${element(1, 'Q').replaceAll('7[1]', '8')}</Data>`;

/** A qstat that is asked about its server. */
const asked = (line: string): string => `[ "$1" != -B ] || { printf 'Server: head\\n    ${line}\\n'; exit; }`;

/** Torque, as far as a command of that name goes; what it was called with is in the file `argv`. */
async function torqueWhose(t: TestContext, commands: Readonly<Record<string, string>>) {
  const prefix = await mkdtemp(join(tmpdir(), 'vtt-'));
  t.after(() => rm(prefix, { recursive: true }));
  const directory = join(prefix, 'bin');
  await mkdir(directory);
  for (const [name, body] of Object.entries(commands)) {
    const script = `#!/bin/sh\nprintf '%s\\n' "$@" >'${directory}/argv'\n${body}\n`;
    await writeFile(join(directory, name), script, { mode: 0o755 });
  }
  const engine = new PbsEngine('torque', join(directory, 'qsub'), { PATH: '/usr/bin:/bin' });
  return { engine, argv: async () => (await readFile(join(directory, 'argv'), 'utf8')).trim().split('\n') };
}

test('many jobs are one question, answered under the names that were asked for', async (t) => {
  const { engine, argv } = await torqueWhose(t, {
    qstat: `echo '${XML}'; echo 'qstat: Unknown Job Id Error 9.head' >&2; exit 153`,
  });
  const status = await engine.status(['7[1]', '8.head.site', '9', '7[]', 'nonsense']);
  assert.deepEqual(await argv(), ['-x', '-t', '7[1]', '8.head.site', '9', '7[]', 'nonsense']);
  assert.deepEqual([...status.keys()], ['7[1]', '8.head.site', '7[]']);
  assert.equal(status.get('7[1]')?.state, 'complete');
  assert.deepEqual(status.get('7[]'), {
    ...{ id: '7[]', name: 'arr', owner: 'u', queue: 'batch', state: 'running', nodes: ['n1'] },
  });
  assert.equal((await engine.status([])).size, 0);
  const none = await torqueWhose(t, { qstat: "echo 'qstat: Unknown Job Id Error 9.head' >&2; exit 153" });
  assert.equal((await none.engine.status(['9'])).size, 0);
});

test('live jobs are those that are not over', async (t) => {
  const { engine } = await torqueWhose(t, { qstat: `${asked('query_other_jobs = True')}\necho '${XML}'` });
  assert.deepEqual(await engine.liveJobs(), { known: true, cluster: '', ids: new Set(['7[2].head', '8.head']) });
});

test('what lives is unknown to root whom the server tells of his own jobs alone, and known to the user whose jobs they are', async (t) => {
  const { engine } = await torqueWhose(t, {
    qstat: `${asked('managers = root@elsewhere.site')}\necho '<Data></Data>'`,
  });
  const [root, user] = [0, 1000].map(
    (uid) => new PbsCommands(torqueDialect, engine.qsub, { PATH: '/usr/bin:/bin' }, uid),
  );
  const live = await root?.liveJobs();
  assert.match(live?.known === false ? live.why : '', /does not tell root of this host of the jobs of others/);
  assert.deepEqual(await user?.liveJobs(), { known: true, cluster: '', ids: new Set() });
});

test('what lives is unknown when the server does not answer, or answers strangely', async (t) => {
  for (const [body, why] of [
    ['echo "qstat: cannot connect to server head (errno=111) Connection refused" >&2; exit 111', /Connection refused$/],
    ['true', /the answer cannot be read/],
    ['echo hello', /the answer cannot be read/],
    ['echo "<Data><Job>"', /the answer cannot be read/],
    ['echo "<Data></Data>"; exit 1', /exit code 1/],
    ['kill -9 $$', /SIGKILL/],
  ] as const) {
    const live = await (await torqueWhose(t, { qstat: body })).engine.liveJobs();
    assert.equal(live.known, false, body);
    assert.match(live.known ? '' : live.why, why);
  }
  assert.equal((await (await torqueWhose(t, {})).engine.liveJobs()).known, false);
});

test('where the server cannot be asked, a node of Torque tells which jobs it has', async (t) => {
  const refused = "echo 'qstat: cannot connect to trqauthd' >&2; exit 1";
  const said = 'Host: n1/n1\njob[10[5].head]  state=RUNNING sidlist=7\njob[11.head]  state=PRERUN sidlist=\n';
  const node = async (momctl: string) => {
    const { engine } = await torqueWhose(t, { qstat: refused });
    const sbin = join(dirname(engine.qsub), '../sbin');
    await mkdir(sbin, { recursive: true });
    await writeFile(join(sbin, 'momctl'), `#!/bin/sh\n[ "$*" = '-d 0' ] || exit 2\n${momctl}\n`, { mode: 0o755 });
    return engine.liveJobs();
  };
  assert.deepEqual(await node(`printf '${said}\ndiagnostics complete\n\n'`), {
    ...{ known: true, cluster: '', ids: new Set(['10[5].head', '11.head']) },
  });
  const none = 'Host: n1/n1\nNOTE:  no local jobs detected\n\ndiagnostics complete\n';
  assert.deepEqual(await node(`printf '${none}'`), { known: true, cluster: '', ids: new Set() });
  for (const unclear of [`printf '${said}'`, `printf '${said}\ndiagnostics complete\n'; exit 1`]) {
    const live = await node(unclear);
    assert.match(live.known ? '' : live.why, /cannot connect to trqauthd$/);
  }
});

test('orders name all jobs at once, and what is refused is told in the words of the batch system', async (t) => {
  const { engine, argv } = await torqueWhose(t, {
    qsig: '',
    qdel: 'echo "qdel: Unauthorized Request  8.head" >&2; exit 159',
  });
  await engine.signal(['7[2].head', '8.head'], 'SIGUSR1');
  assert.deepEqual(await argv(), ['-s', 'USR1', '7[2].head', '8.head']);
  await assert.rejects(engine.cancel(['8.head']), {
    code: 'E_ENGINE',
    message: 'Cannot delete jobs: qdel: Unauthorized Request  8.head',
  });
});

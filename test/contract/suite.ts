import assert from 'node:assert/strict';
import { after, afterEach, before, describe, test } from 'node:test';
import type { BatchNode, JobStatus } from '../../src/engine/index.ts';
import { type ContractCluster, ContractUser, type Feature, type Lacks, sequence } from './cluster.ts';
import { nodeTests } from './suite-nodes.ts';

/** What every batch system must do, seen through its Engine and its jobs. */
export function contract(
  name: string,
  start: () => Promise<ContractCluster>,
  lacks: Lacks,
  skip: string | false = false,
): void {
  contractOf(name, start, lacks, skip, (user, when) => {
    submissionTests(user);
    lifeTests(user, when);
    nodeTests(user, when);
  });
}

/** Tests of a batch system that they share. */
export function contractOf(
  name: string,
  start: () => Promise<ContractCluster>,
  lacks: Lacks,
  skip: string | false,
  tests: (user: () => ContractUser, when: (feature: Feature) => { readonly skip: string | false }) => void,
): void {
  describe(`the contract of ${name}`, { skip }, () => {
    let started: ContractUser | undefined;
    const user = (): ContractUser => started ?? assert.fail('the batch system is there');
    before(async () => {
      started = await ContractUser.of(await start());
    });
    afterEach(() => user().cancelAll());
    after(() => started?.cluster[Symbol.asyncDispose]());
    const when = (feature: Feature): { readonly skip: string | false } => ({ skip: lacks[feature] ?? false });
    tests(user, when);
  });
}

function submissionTests(user: () => ContractUser): void {
  test('the batch system is found by itself', async () => {
    assert.equal(await user().call({ op: 'name' }), user().cluster.engine);
  });

  test('a script in a file runs under its name, with its directives and its arguments to qsub', async () => {
    const script = '#!/bin/sh\n#PBS -l walltime=00:10:00\n#PBS -v A=1\necho "out $A"\necho "err $A" >&2\nexit 7\n';
    const status = await user().finish(['-v', 'A=2'], script, 'my.job');
    assert.equal(status.exitStatus, 7);
    assert.equal(status.name, 'my.job');
    assert.deepEqual(status.nodes, []);
    assert.equal(await user().read(`my.job.o${sequence(status.id)}`), 'out 2\n');
    assert.equal(await user().read(`my.job.e${sequence(status.id)}`), 'err 2\n');
  });

  test('a script on standard input is called STDIN, and -N and -j are obeyed', async () => {
    const plain = await user().finish([], 'echo plain');
    assert.equal(await user().read(`STDIN.o${sequence(plain.id)}`), 'plain\n');
    const named = await user().finish(['-N', 'other', '-j', 'oe'], 'echo a; echo b >&2');
    assert.equal(await user().read(`other.o${sequence(named.id)}`), 'a\nb\n');
  });

  test('a name may have signs in it, and so have the files of its output', async () => {
    const { oddName } = user().cluster.dialect;
    const status = await user().finish(['-N', oddName, '-j', 'oe'], 'echo "$PBS_JOBNAME"');
    assert.equal(status.name, oddName);
    assert.equal(await user().read(`${oddName}.o${sequence(status.id)}`), `${oddName}\n`);
  });

  test('what is refused is not queued, and has a code', async () => {
    const live = await user().call<string[]>({ op: 'live' });
    const { code, ...rest } = await user()
      .submit(['-l', 'walltime=xx'], 'true')
      // Where there is no qsub that would say so, its words are an error.
      .catch(({ code }: { code: string }) => ({ code }));
    assert.ok(code !== undefined && code !== 0);
    assert.ok(!('id' in rest));
    assert.deepEqual(new Set(await user().call<string[]>({ op: 'live' })), new Set(live));
  });

  test('a job knows its id, its name and where it was submitted', async () => {
    const { jobVariable } = user().cluster.dialect;
    const script =
      `JOB=$${jobVariable};` +
      'echo "$JOB $PBS_JOBNAME $PBS_ENVIRONMENT"; echo "$PBS_O_WORKDIR"; echo "$X"; pwd; echo "$HOME"';
    const { id } = await user().finish(['-v', 'X=a b', '-N', 'facts'], script);
    const [names, directory, variable, cwd, home] = (await user().read(`facts.o${sequence(id)}`)).split('\n');
    assert.equal(names, `${id} facts PBS_BATCH`);
    assert.equal(directory, user().cluster.work);
    assert.equal(variable, 'a b');
    assert.equal(cwd, home);
  });

  test('a signal that ends the script is in the exit status', async () => {
    const { terminated } = user().cluster.dialect;
    assert.equal((await user().finish([], '#!/bin/sh\nkill -TERM $$\n', 'dies')).exitStatus, terminated);
  });
}

function lifeTests(user: () => ContractUser, when: (feature: Feature) => { readonly skip: string | false }): void {
  const wasDeleted = (job: JobStatus | undefined): void => {
    const { deleted } = user().cluster.dialect;
    assert.ok(
      deleted.includes(job?.exitStatus ?? Number.NaN),
      `exit status ${job?.exitStatus}, not ${deleted.join(' or ')}`,
    );
  };

  test('each element of an array is a job with an id of its own', async () => {
    const { array, arrayId, element: elementId, elementVariable, jobVariable } = user().cluster.dialect;
    const script = `echo "$${elementVariable} $${jobVariable}"; sleep 5; test -n "$${elementVariable}"`;
    const id = await user().accepted([...array, '-N', 'arr'], script);
    assert.match(id, arrayId);
    const ids = [1, 2, 3].map((index) => elementId(id, index));
    const live = await user().call<string[]>({ op: 'live' });
    for (const element of ids) assert.ok(live.includes(element), `${element} lives`);
    for (const [index, status] of (await user().wait(ids)).entries()) {
      assert.deepEqual([status.id, status.exitStatus], [ids[index], 0]);
    }
    assert.equal((await user().wait([id]))[0]?.state, 'complete');
  });

  test('one element of an array is cancelled, the others go on', async () => {
    const { array, element } = user().cluster.dialect;
    const id = await user().accepted(array, 'sleep 300');
    const [one = '', two = '', three = ''] = [1, 2, 3].map((index) => element(id, index));
    await user().wait([one, two, three], ['running']);
    await user().call({ op: 'cancel', ids: [two] });
    const [status] = await user().wait([two]);
    wasDeleted(status);
    assert.equal((await user().status(three))?.state, 'running');
    await user().call({ op: 'cancel', ids: [id] });
    await user().wait([one, three]);
  });

  test('a held job waits until it is released; a queued one can be held', async () => {
    const held = await user().accepted(['-h'], 'echo ran');
    assert.equal((await user().status(held))?.state, 'held');
    await user().call({ op: 'release', ids: [held] });
    assert.equal((await user().wait([held]))[0]?.exitStatus, 0);
    const ids = [await user().accepted(['-h'], 'true'), await user().accepted(['-h'], 'true')];
    await user().call({ op: 'release', ids });
    await user().wait(ids);
  });

  test('a job that waits for its turn is queued, can be held, and can be cancelled', async () => {
    const [{ name, np } = assert.fail()] = await user().call<BatchNode[]>({ op: 'nodes' });
    const all = user().cluster.dialect.onNode(name, np);
    const blocker = await user().accepted(['-l', all], 'sleep 300');
    await user().wait([blocker], ['running']);
    const next = await user().accepted(['-l', all], 'true');
    assert.equal((await user().status(next))?.state, 'queued');
    await user().call({ op: 'hold', ids: [next] });
    assert.equal((await user().status(next))?.state, 'held');
    await user().call({ op: 'release', ids: [next] });
    assert.equal((await user().status(next))?.state, 'queued');
    await user().call({ op: 'cancel', ids: [next, blocker] });
    wasDeleted((await user().wait([blocker]))[0]);
  });

  test('a running job that is cancelled ends, and lives no more', async () => {
    const id = await user().accepted([], 'sleep 300');
    await user().wait([id], ['running']);
    assert.ok((await user().call<string[]>({ op: 'live' })).includes(id));
    await user().call({ op: 'cancel', ids: [id] });
    wasDeleted((await user().wait([id]))[0]);
    assert.ok(!(await user().call<string[]>({ op: 'live' })).includes(id));
  });

  test('jobs that are not there are not in an answer, and orders for them are errors', async () => {
    const { id } = await user().finish([], 'true');
    const unknown = id.replace(/^\d+/, '9999999');
    assert.equal(await user().status(unknown), undefined);
    assert.equal((await user().status(sequence(id)))?.id, id);
    await assert.rejects(user().call({ op: 'cancel', ids: [unknown] }), { code: 'E_ENGINE' });
    await assert.rejects(user().call({ op: 'signal', ids: [id], signal: 'SIGUSR1' }), { code: 'E_ENGINE' });
  });

  test('a signal reaches the script', async () => {
    const { work, dialect } = user().cluster;
    const script = `#!/bin/sh\ntrap 'exit 9' USR1\ntouch ${work}/ready-$${dialect.jobVariable}\nwhile :; do sleep 0.1; done\n`;
    const id = await user().accepted([], script, 'traps');
    await user().read(`ready-${id}`);
    await user().call({ op: 'signal', ids: [id], signal: 'SIGUSR1' });
    // A login shell above the script dies of it where there is one.
    const { exitStatus = -1 } = (await user().wait([id]))[0] ?? {};
    assert.ok([9, 256 + 10].includes(exitStatus), `exit status ${exitStatus}`);
  });

  test('a job over its walltime is ended', when('walltime'), async () => {
    const status = await user().finish(['-l', 'walltime=2'], 'sleep 300');
    assert.equal(status.exitStatus, user().cluster.dialect.overWalltime);
  });

  test('a job that depends on another waits for it', when('dependencies'), async () => {
    const file = `${user().cluster.work}/was-first`;
    const first = await user().accepted(['-h'], `touch ${file}`);
    const second = await user().accepted(['-W', `depend=afterok:${first}`], `test -e ${file}`);
    assert.equal((await user().status(second))?.state, 'held');
    await user().call({ op: 'release', ids: [first] });
    assert.deepEqual(
      (await user().wait([first, second])).map(({ exitStatus }) => exitStatus),
      [0, 0],
    );
  });
}

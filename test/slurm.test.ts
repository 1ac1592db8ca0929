import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { expectNoResidue, lookForResidue, type Residue } from './support/residue.ts';
import { startSlurm, type TestSlurm, whyNoSlurm } from './support/slurm.ts';
import { type SlurmUser, slurmUser } from './support/slurm-user.ts';

const skip = await whyNoSlurm();

describe('vsub on a real Slurm', { skip }, () => {
  let slurm: TestSlurm;
  let as: SlurmUser;
  let clean: Residue;
  /** A job that is over its walltime some time later: Slurm counts it in minutes, and looks at it twice a minute. */
  let late: string;

  before(async () => {
    clean = await lookForResidue();
    slurm = await startSlurm();
    as = await slurmUser(slurm);
  });

  after(async () => {
    await slurm[Symbol.asyncDispose]();
    await as[Symbol.asyncDispose]();
    await expectNoResidue(clean);
  });

  const exitStatusOf = async (id: string): Promise<number | undefined> => (await as.ended(id)).exitStatus;

  test('its nodes and queues are told', async () => {
    assert.deepEqual(
      (await as.engine.nodes()).map(({ name, np }) => [name, np]),
      [
        ['n1', 4],
        ['n2', 4],
        ['n3', 4],
      ],
    );
    assert.deepEqual(await as.engine.queues(), ['batch']);
    assert.deepEqual(await as.engine.liveJobs(), { known: true, cluster: 'vtt', ids: new Set() });
    late = await as.submit(['-l', 'walltime=1'], 'sleep 300\n', 'late.sh');
  });

  test('a job without a VM has the variables, files and exit code of qsub', async () => {
    const script = '#PBS -N named\n#PBS -v A="x y"\necho "$A"; pwd; echo "$PBS_O_WORKDIR"; echo oops >&2; exit 3\n';
    const id = await as.submit(['-l', 'nodes=1:ppn=2'], script);
    assert.equal(await exitStatusOf(id), 3);
    assert.equal(await as.read(`named.o${id}`), `x y\n${as.user.home}\n${as.work}\n`);
    assert.equal(await as.read(`named.e${id}`), 'oops\n');
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
    const id = await as.submit(['-vm', 'img=host,vcpus=2', '-l', 'nodes=1:ppn=2', '-F', "'a b'"], script, 'vm.sh');
    assert.equal(await exitStatusOf(id), 3, await as.read(`vm.sh.e${id}`));
    const [host, ...rest] = (await as.read(`vm.sh.o${id}`)).trimEnd().split('\n');
    assert.match(host ?? '', /^vn[123]-1$/);
    assert.deepEqual(rest, [`${as.user.uid}`, `${id} 2 a b`, `${host}`, `${host}`]);
    assert.equal(await as.read(`vm.sh.e${id}`), 'oops\n');
  });

  test('a job over several nodes has a VM on each, and its script in the first', async () => {
    const script = '#!/bin/sh\ncat "$PBS_NODEFILE"; echo "$PBS_NUM_NODES"\n';
    const id = await as.submit(['-vm', 'img=host,vcpus=1,ram=256M', '-l', 'nodes=3:ppn=1'], script, 'three.sh');
    assert.equal(await exitStatusOf(id), 0, await as.read(`three.sh.e${id}`));
    assert.equal(await as.read(`three.sh.o${id}`), 'vn1-1\nvn2-1\nvn3-1\n3\n');
  });

  test('an array has a VM for each element', async () => {
    const id = await as.submit(
      ['-t', '1-2', '-vm', 'img=host,ram=256M'],
      '#!/bin/sh\necho "$PBS_JOBID $PBS_ARRAYID"\n',
      'a.sh',
    );
    for (const element of [1, 2]) {
      assert.equal(await exitStatusOf(`${id}_${element}`), 0);
      assert.equal(await as.read(`a.sh.o${id}-${element}`), `${id}_${element} ${element}\n`);
    }
  });

  test('a job that is cancelled gives its script TERM, and leaves nothing', async () => {
    const script = '#!/bin/sh\ntrap "echo bye; exit 9" TERM\necho up > up\nwhile :; do sleep 0.1; done\n';
    const id = await as.submit(['-d', '.', '-vm', 'img=host,ram=256M'], script, 'cancel.sh');
    await as.appears('up');
    await as.engine.cancel([id]);
    await exitStatusOf(id);
    assert.match(await as.read(`cancel.sh.o${id}`), /^bye\n/);
    await expectNoResidue(clean, 30_000);
  });

  test('what Slurm has nothing for is refused before anything is queued', async () => {
    const { code, stderr } = await as.vsub(['-W', 'umask=022', '-vm', 'ram=512M'], 'true\n');
    assert.equal(code, 1);
    assert.match(stderr, /^vsub: Cannot use -W umask=022: Slurm has nothing that means the same\n {2}hint: /);
    assert.equal((await as.vsub(['-t', 'x'], 'true\n')).code, 235);
  });

  test('a job over its walltime is ended, and its exit status says so', async () => {
    assert.equal(await exitStatusOf(late), -11);
  });
});

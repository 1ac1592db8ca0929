// The clock of a VM goes with that of its node.
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { publicRoot } from '../src/site/public-root.ts';
import { execute } from './support/cluster.ts';
import { expectNoResidue, lookForResidue, type Residue } from './support/residue.ts';
import { aUser, isRoot, type TestUser } from './support/users.ts';

const skip = isRoot ? false : 'needs root, to be an ordinary user';

/** Seconds: longer than from one look at the clock to the next. */
const WATCHED = 30;
/** As root of the guest: move the clock, and say what it does then, against clocks that nobody corrects or that nobody sets. */
const watch = (how: string): string => `
import ctypes, time
libc = ctypes.CDLL(None, use_errno=True)
def status(value):
    # struct timex: modes, offset, freq, maxerror, esterror, status
    fields = (ctypes.c_long * 26)()
    fields[0], fields[5] = 0x10 | 0x04, value
    assert libc.adjtimex(fields) >= 0
read = lambda other: time.clock_gettime(time.CLOCK_REALTIME) - time.clock_gettime(other)
time.clock_settime(time.CLOCK_REALTIME, time.time() + .2)
${how}
set0, raw0 = read(time.CLOCK_MONOTONIC), read(time.CLOCK_MONOTONIC_RAW)
end = time.monotonic() + ${WATCHED}
step = 0
while time.monotonic() < end:
    step = max(step, abs(read(time.CLOCK_MONOTONIC) - set0))
    time.sleep(.1)
print('moved', step, read(time.CLOCK_MONOTONIC_RAW) - raw0)
`;

describe('the clock of a VM', { skip }, () => {
  let clean: Residue;
  let user: TestUser;
  let directory: string;

  before(async () => {
    clean = await lookForResidue();
    user = aUser();
    directory = await mkdtemp('/tmp/vtt-clock-');
    await execute(['chmod', '755', directory], {});
    await writeFile(join(directory, 'nodefile'), 'node1\n');
  });

  after(async () => {
    await rm(directory, { recursive: true });
    user[Symbol.dispose]();
    await expectNoResidue(clean);
  });

  /** In seconds. */
  async function moved(how: string): Promise<{ readonly step: number; readonly drift: number }> {
    const root = await publicRoot();
    const env = {
      ...{ PATH: '/usr/bin:/bin:/usr/sbin:/sbin', HOME: user.home, USER: user.name, SHELL: '/bin/bash' },
      ...{ PBS_JOBID: '1.test', PBS_NODEFILE: join(directory, 'nodefile'), PBS_O_WORKDIR: directory },
    };
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const script = `/usr/bin/python3 -c '${watch(how).replaceAll("'", '"')}'`;
    const program = [join(root, 'scripts/node'), join(root, 'test/support/guest-root.ts'), 'host', script];
    const { stdout, stderr } = await execute([...user.become, 'env', ...variables, ...program], { cwd: user.home });
    assert.equal(stderr, '');
    const [, step, drift] = /^moved (\S+) (\S+)$/m.exec(stdout) ?? assert.fail(stdout);
    return { step: Number(step), drift: Number(drift) };
  }

  test('that has gone 200 ms wrong goes back to that of the node, without a step', async () => {
    const { step, drift } = await moved('');
    assert.ok(step < 0.01, `it stepped by ${step} s`);
    assert.ok(drift < -0.001, `it went back by ${-drift} s`);
  });

  test('is left alone where a program of the guest keeps it', async () => {
    const { step, drift } = await moved('status(0)');
    assert.ok(step < 0.01, `it stepped by ${step} s`);
    assert.ok(Math.abs(drift) < 0.001, `it was moved by ${drift} s`);
  });
});

import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import fc from 'fast-check';
import { VtorqueError } from '../../../base/index.ts';
import type { ExecSpec, GuestAgent, GuestProcess } from '../../../guest/linux/index.ts';
import type { GuestIdentity } from '../guest-setup.ts';
import { type ArgumentFacts, epilogueArguments, prologueArguments } from './arguments.ts';
import { prologueFailed } from './errors.ts';
import { GuestHooks } from './guest-hooks.ts';
import { type HookOrders, hasHooks, hookTime } from './orders.ts';
import { HookOutput, LOG_BYTES } from './output.ts';
import { runHook } from './run-hook.ts';
import { readSiteHooks } from './site-hooks.ts';

const owner = { name: 'ann', uid: 7, gid: 8, home: '/home/ann', shell: '/bin/sh', groups: [{ name: 'cfd', gid: 8 }] };
const facts: ArgumentFacts = {
  ...{ context: { id: '7[2].head', owner }, script: '/run/vtorque/7.SC' },
  job: { resources: 'nodes=1:ppn=2,walltime=60', account: '' },
  variables: { PBS_JOBNAME: 'test-2', PBS_QUEUE: 'batch' },
};

test('a prologue has the eight words of Torque', () => {
  assert.deepEqual(prologueArguments(facts), [
    ...['7[2].head', 'ann', 'cfd', 'test-2', 'nodes=1:ppn=2,walltime=60', 'batch', '', '/run/vtorque/7.SC'],
  ]);
});

test('an epilogue has the eleven words of Torque, the exit code of the script the tenth', () => {
  assert.deepEqual(epilogueArguments(facts, { exitCode: 3, ranMs: 3_661_900 }), [
    ...['7[2].head', 'ann', 'cfd', 'test-2', '0', 'nodes=1:ppn=2,walltime=60', 'walltime=01:01:01', 'batch', '', '3'],
    '/run/vtorque/7.SC',
  ]);
});

test('HookOutput passes on the beginning, says that it was cut, and remembers the last lines', () => {
  fc.assert(
    fc.property(
      fc.array(fc.oneof(fc.nat(LOG_BYTES), fc.constantFrom(LOG_BYTES, LOG_BYTES / 2, LOG_BYTES - 9))),
      (sizes) => {
        const kept: Buffer[] = [];
        const output = new HookOutput((bytes) => kept.push(bytes));
        const all = sizes.map((size, at) => Buffer.alloc(size, 97 + (at % 26)));
        for (const bytes of [...all, Buffer.from('\nthe end\n')]) output.take(bytes);
        const [text, whole] = [Buffer.concat(kept), Buffer.concat([...all, Buffer.from('\nthe end\n')])];
        assert.ok(text.subarray(0, LOG_BYTES).equals(whole.subarray(0, LOG_BYTES)));
        assert.equal(/the rest is not kept\]\n$/.test(text.toString()), whole.length > LOG_BYTES);
        assert.equal(output.lines().at(-1), 'the end');
        assert.ok(text.length < LOG_BYTES + 100);
      },
    ),
    { numRuns: 50 },
  );
});

test('HookOutput shows no control characters', () => {
  const output = new HookOutput(() => {});
  output.take(Buffer.from('a\x1b[31mb\r\n\n\x07c\n'));
  assert.deepEqual(output.lines(), ['a[31mb', 'c']);
});

/** A program that prints, and ends when it is told to. */
function aProgram(exit: Promise<Awaited<GuestProcess['exit']>>, signals: unknown[] = []): GuestProcess {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  stdout.end('out\n');
  stderr.end('problem\n');
  const started = Promise.resolve(1);
  return {
    stdin: new Writable(),
    stdout,
    stderr,
    started,
    exit,
    resize: () => {},
    signal: (s) => void signals.push(s),
  };
}

const spec = { argv: ['/run/vtorque/hooks/prologue'] };
const silent = (): HookOutput => new HookOutput(() => {});

test('runHook() gives the exit code and keeps what was printed', async () => {
  const output = silent();
  const program = aProgram(Promise.resolve({ code: 4 }));
  assert.deepEqual(await runHook({ exec: () => program }, spec, 5, output), { kind: 'code', code: 4 });
  assert.deepEqual(output.lines(), ['out', 'problem']);
});

test('runHook() kills what takes too long, and says so', async () => {
  const end = Promise.withResolvers<Awaited<GuestProcess['exit']>>();
  const signals: unknown[] = [];
  const program = {
    ...aProgram(end.promise),
    signal: (signal: unknown) => {
      signals.push(signal);
      end.resolve({ signal: 9 });
    },
  };
  assert.deepEqual(await runHook({ exec: () => program }, spec, 0.01, silent()), { kind: 'late', seconds: 0.01 });
  assert.deepEqual(signals, [9]);
});

test('runHook() tells a program that cannot be started from a guest that is lost', async () => {
  const fails = (code: string, message: string): Promise<never> => Promise.reject(new VtorqueError(code, message));
  const broken = aProgram(fails('E_GUEST_EXEC', 'Cannot start "x" in the guest: execve: Exec format error'));
  assert.deepEqual(await runHook({ exec: () => broken }, spec, 5, silent()), {
    ...{ kind: 'not started', why: 'execve: Exec format error' },
  });
  const lost = aProgram(fails('E_GUEST_LOST', 'Cannot go on: guest ended'));
  await assert.rejects(runHook({ exec: () => lost }, spec, 5, silent()), { code: 'E_GUEST_LOST' });
});

test('prologueFailed() tells exit code 1, which refuses the job, from everything else', () => {
  const failure = { hook: 'prologue', vm: 'vn1-1', lines: ['no licence'], log: '/logs/x.log' } as const;
  const refused = prologueFailed({ ...failure, result: { kind: 'code', code: 1 } });
  assert.equal(refused.code, 'E_PROLOGUE_REFUSED');
  assert.equal(refused.message, 'Cannot run the script: "prologue" in guest "vn1-1" ended with exit code 1');
  assert.deepEqual(refused.details, ['no licence']);
  for (const result of [
    { kind: 'code', code: 2 },
    { kind: 'signal', signal: 11 },
    { kind: 'late', seconds: 300 },
    { kind: 'not started', why: 'execve: Exec format error' },
  ] as const) {
    assert.equal(prologueFailed({ ...failure, result }).code, 'E_PROLOGUE_FAILED');
  }
});

const orders: HookOrders = {
  ...{ directory: '', user: {}, job: { resources: '', account: '' }, logs: '/logs' },
  limits: { prologue: 300, epilogue: 200, precancel: 10 },
};

test('a job without hooks waits for none', () => {
  assert.equal(hasHooks(orders), false);
  assert.deepEqual(hookTime(orders), { beforeMs: 0, afterMs: 0 });
});

test('hookTime() has room for the limits of all hooks that may run one behind the other', () => {
  const user = { vm_prologue: { name: 'p', base64: '', where: 'all' as const } };
  const { beforeMs, afterMs } = hookTime({ ...orders, directory: '/etc/x', user });
  assert.ok(beforeMs >= 600_000 && afterMs >= 210_000);
});

async function aDirectory(
  files: Readonly<Record<string, number>>,
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), 'vtt-hooks-'));
  for (const [name, mode] of Object.entries(files)) {
    await writeFile(join(path, name), '#!/bin/sh\n');
    await chmod(join(path, name), mode);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

const uid = process.getuid?.() ?? 0;

test('readSiteHooks() reads the files that have names of hooks, and no others', async () => {
  await using hooks = await aDirectory({ prologue: 0o755, 'epilogue.precancel': 0o744, README: 0o644 });
  assert.deepEqual([...(await readSiteHooks(hooks.path, uid)).keys()], ['prologue', 'epilogue.precancel']);
  assert.equal((await readSiteHooks('', uid)).size, 0);
});

test('readSiteHooks() refuses what is not there, what others may write, and what is no program', async () => {
  const refused = (message: RegExp) => ({ code: 'E_HOOK_FILE', message });
  await assert.rejects(readSiteHooks('/nowhere/at/all', uid), refused(/no such directory/));
  for (const [mode, state] of [
    [0o777, /may be written by others/],
    [0o644, /not executable/],
  ] as const) {
    await using hooks = await aDirectory({ epilogue: mode });
    await assert.rejects(readSiteHooks(hooks.path, uid), refused(state));
  }
  await using hooks = await aDirectory({});
  await mkdir(join(hooks.path, 'prologue'));
  await assert.rejects(readSiteHooks(hooks.path, uid), refused(/it is no file/));
});

test("the user's hooks run with the limits of the job, the site's as root without", async () => {
  const ran: ExecSpec[] = [];
  const agent = {
    batch: async () => {},
    readFile: async () => Buffer.from('1048576\n'),
    exec: (spec: ExecSpec) => {
      ran.push(spec);
      return aProgram(Promise.resolve({ code: 0 }));
    },
  } as unknown as GuestAgent;
  const identity = {
    ...{ vms: [], vm: { name: 'vn1-1', rank: 0 }, variables: {}, mounts: [], guest: { name: 'host' } },
    context: {
      id: '1.head',
      owner,
      cwd: '/home/ann',
      umask: 0o77,
      env: { VTORQUE_OPEN_FILES: '512' },
      key: { node: 'n1' },
    },
  } as unknown as GuestIdentity;
  await GuestHooks.start(
    {
      ...{ agent, identity, files: { script: '/s', nodeFile: '/n', sshServer: undefined } },
      orders: { ...orders, user: { vm_prologue: { name: 'p', base64: '', where: 'all' } } },
      reports: { log: () => {}, ended: () => {} },
      watch: (_, work) => work,
    },
    new Map([['prologue', Buffer.from('')]]),
  );
  const [site, users] = ran;
  assert.deepEqual([site?.uid, site?.limits], [0, undefined]);
  assert.deepEqual([users?.uid, users?.limits?.find(({ resource }) => resource === 'nofile')?.soft], [7, 512]);
});

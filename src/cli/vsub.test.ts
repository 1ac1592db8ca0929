import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { after, beforeEach, test } from 'node:test';
import { readSubmission } from '../job/submission.ts';
import { installRoot } from '../site/index.ts';

// A qsub that writes down what it gets. It stands for the batch system, the other side of the process boundary.
const FAKE_QSUB = `#!/bin/sh
printf '%s\\0' "$@" > "$RECORD/argv"
for word; do
  case $word in */vsub-*) cp "$word" "$RECORD/script"; ls -ld "\${word%/*}" "$word" > "$RECORD/modes" ;; esac
done
[ -t 0 ] || cat > "$RECORD/stdin"
env > "$RECORD/env"
echo "a warning" >&2
echo 12.head
exit "\${QSUB_EXIT:-0}"
`;

const work = mkdtempSync(join(tmpdir(), 'vtorque-vsub-test-'));
const record = join(work, 'record');
const temporary = join(work, 'tmp');
const bin = join(work, 'bin');
const vsub = join(installRoot, 'bin/vsub');
mkdirSync(bin);
mkdirSync(temporary);
writeFileSync(join(bin, 'qsub'), FAKE_QSUB, { mode: 0o755 });
writeFileSync(join(work, 'job.sh'), '#!/bin/bash\n#PBS -l walltime=10\necho hello\n');

after(() => rmSync(work, { recursive: true, force: true }));
beforeEach(() => {
  rmSync(record, { recursive: true, force: true });
  mkdirSync(record);
});

interface Run {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

interface RunOptions {
  readonly stdin?: string | Uint8Array;
  readonly env?: Readonly<Record<string, string>>;
  readonly path?: string;
}

function start(program: string, argv: readonly string[], { env = {}, path = bin }: RunOptions): ChildProcess {
  return spawn(program, argv, {
    cwd: work,
    env: { PATH: [path, '/usr/bin', '/bin'].join(delimiter), HOME: work, TMPDIR: temporary, RECORD: record, ...env },
  });
}

async function run(program: string, argv: readonly string[], options: RunOptions = {}): Promise<Run> {
  const child = start(program, argv, options);
  child.stdin?.on('error', () => {});
  child.stdin?.end(options.stdin ?? '');
  const [stdout, stderr, [code]] = await Promise.all([
    text(child.stdout ?? process.stdin),
    text(child.stderr ?? process.stdin),
    once(child, 'close'),
  ]);
  assert.deepEqual(readdirSync(temporary), [], 'a temporary directory is left');
  return { stdout, stderr, code: code as number | null };
}

const recorded = (name: string): Buffer => readFileSync(join(record, name));
const recordedArgv = (): string[] => recorded('argv').toString().split('\0').slice(0, -1);
const nothingSubmitted = (): void => assert.ok(!existsSync(join(record, 'argv')), 'qsub was called');

async function refused(
  argv: readonly string[],
  code: number,
  stderr: string | RegExp,
  options?: RunOptions,
): Promise<void> {
  const result = await run(vsub, argv, options);
  if (typeof stderr === 'string') assert.equal(result.stderr, stderr);
  else assert.match(result.stderr, stderr);
  assert.equal(result.stdout, '');
  assert.equal(result.code, code);
  nothingSubmitted();
}

test('without a VM request vsub is qsub: same words, same standard input, same output, same exit code', async () => {
  const lists = [
    ['-N', 'a b', '-v', `A='x y',B="q"`, '-l', 'nodes=1', 'job.sh'],
    ['job.sh'],
    ['-v', 'm', '-vmx=1', 'job.sh', '', '*', '$HOME', '\\', 'ü'],
    ['-N', '-vm', 'job.sh'],
    ['--version'],
    ['nofile.sh'],
    ['-Z', 'job.sh', 'more'],
  ];
  for (const argv of lists) {
    const expected = await run(join(bin, 'qsub'), argv, { env: { QSUB_EXIT: '77' } });
    const argvOfQsub = recordedArgv();
    const actual = await run(vsub, argv, { env: { QSUB_EXIT: '77' } });
    assert.deepEqual(actual, expected, argv.join(' '));
    assert.deepEqual(recordedArgv(), argvOfQsub);
    assert.equal(recorded('stdin').length, 0);
  }
});

test('the environment reaches qsub as it is', async () => {
  await run(vsub, ['job.sh'], { env: { ODD: 'a\nb=c "d"' } });
  const lines = recorded('env').toString();
  assert.match(lines, /^ODD=a\nb=c "d"$/m);
  assert.doesNotMatch(lines, /^NODE/m);
});

test('a script on standard input reaches qsub byte for byte', async () => {
  const stdin = Buffer.concat([Buffer.from('#!/bin/sh\n#PBS -N x\n  a \\\r\n'), Buffer.alloc(200_000, '\0\x01ÿ')]);
  for (const argv of [['-h'], ['-'], ['-N', 'x', '']]) {
    const result = await run(vsub, argv, { stdin });
    assert.equal(result.stdout, '12.head\n');
    assert.ok(stdin.equals(recorded('stdin')));
    assert.deepEqual(recordedArgv(), argv);
  }
});

test('with a VM request qsub gets a launcher script of the same name in a private directory', async () => {
  const result = await run(vsub, ['-N', 'a b', '-vm', 'img=host,ram=512M', 'job.sh', '-h']);
  assert.deepEqual(result, { stdout: '12.head\n', stderr: 'a warning\n', code: 0 });
  const argv = recordedArgv();
  assert.match(argv[2] ?? '', /\/vsub-[^/]+\/job\.sh$/);
  assert.deepEqual(argv.with(2, 'job.sh'), ['-N', 'a b', 'job.sh', '-h']);
  assert.match(recorded('modes').toString(), /^drwx------ .*\n-rw------- /);
  const submission = readSubmission(recorded('script'));
  assert.deepEqual(Buffer.from(submission.script), readFileSync(join(work, 'job.sh')));
  assert.deepEqual(submission.request, { img: 'host', vcpus: 1, ram: 512 * 1024 ** 2 });
  assert.equal(submission.scriptName, 'job.sh');
  assert.match(recorded('script').toString(), /^#!\/bin\/sh\n# .*\n#PBS -l walltime=10\nexec '/);
});

test('a request in the script is enough, and weaker than the command line', async () => {
  writeFileSync(
    join(work, 'asks.sh'),
    '#!/bin/sh\n#PBS -S /bin/dash -vm img=host,ram=2G\n#VSUB vcpus=1\n#PBS -v A,B=2 -V\n',
  );
  await run(vsub, ['-vm', 'ram=1G', 'asks.sh']);
  const { request, shell, variables } = readSubmission(recorded('script'));
  assert.deepEqual(request, { img: 'host', vcpus: 1, ram: 2 ** 30 });
  assert.equal(shell, '/bin/dash');
  assert.deepEqual(variables, { names: ['A', 'B'], all: true });
  assert.match(recorded('script').toString(), /\n#PBS -S \/bin\/dash\n#PBS -v A,B=2 -V\nexec /);
});

test('a script on standard input runs in a VM, too', async () => {
  const script = Buffer.from('#!/bin/sh\n#PBS -vm img=host\n  echo "a\\\\b"  \nno end ü');
  const result = await run(vsub, ['-h'], { stdin: script });
  assert.equal(result.stdout, '12.head\n');
  assert.deepEqual(recordedArgv(), ['-h']);
  const submission = readSubmission(recorded('stdin'));
  assert.equal(submission.scriptName, 'STDIN');
  assert.deepEqual(Buffer.from(submission.script), script);
});

test('DOS line ends on standard input become plain ones, as with qsub', async () => {
  await run(vsub, ['-vm', 'img=host'], { stdin: '#!/bin/sh\r\necho\r\n' });
  assert.equal(Buffer.from(readSubmission(recorded('stdin')).script).toString(), '#!/bin/sh\necho\n');
});

test('slots for the virtual CPUs are asked for when the job asks for none', async () => {
  await run(vsub, ['-N', 'x', '-vm', 'vcpus=4', 'job.sh']);
  const argv = recordedArgv();
  assert.deepEqual(argv.slice(0, 4), ['-l', 'nodes=1:ppn=4', '-N', 'x']);
  assert.match(argv[4] ?? '', /\/job\.sh$/);
});

test('each slot gets a virtual CPU when none are asked for', async () => {
  await run(vsub, ['-l', 'nodes=1:ppn=3', '-vm', 'img=host', 'job.sh']);
  assert.equal(readSubmission(recorded('script')).request.vcpus, 3);
  assert.equal(recordedArgv().length, 3);
});

test("qsub's exit code and errors are the user's, in a VM job as well", async () => {
  const result = await run(vsub, ['-vm', 'img=host', 'job.sh'], { env: { QSUB_EXIT: '189' } });
  assert.equal(result.code, 189);
  assert.equal(result.stderr, 'a warning\n');
});

test('--json prints the id and the request', async () => {
  const result = await run(vsub, ['--json', '-vm', 'img=host', 'job.sh']);
  assert.deepEqual(JSON.parse(result.stdout), { id: '12.head', request: { img: 'host', vcpus: 1, ram: 2 ** 30 } });
  assert.deepEqual(JSON.parse((await run(vsub, ['--json', 'job.sh'])).stdout), { id: '12.head' });
});

test('--json prints errors as JSON', async () => {
  const { stderr, code } = await run(vsub, ['--json', '-vm', 'img=nosuch', 'job.sh']);
  assert.equal(JSON.parse(stderr).error.code, 'E_IMAGE_UNKNOWN');
  assert.equal(code, 1);
});

test('--help fits on a screen and calls nothing', async () => {
  const { stdout, code } = await run(vsub, ['-N', 'x', '--help'], { path: '/nonexistent' });
  assert.equal(code, 0);
  const lines = stdout.split('\n');
  assert.ok(lines.length <= 25 && lines.every((line) => line.length <= 80));
  for (const word of ['-vm KEY=VALUE', 'img=IMAGE', 'vcpus=NUMBER', 'ram=SIZE', '-w -W'])
    assert.ok(stdout.includes(word));
  nothingSubmitted();
});

test('--version is that of qsub, with -vm that of vtorque', async () => {
  await run(vsub, ['--version']);
  assert.deepEqual(recordedArgv(), ['--version']);
  assert.match((await run(vsub, ['-vm', 'img=host', '--version'])).stdout, /^vtorque \d+\.\d+\.\d+\n$/);
});

test('a request that cannot be is refused, and nothing is submitted', async () => {
  await refused(['-vm', 'vcpu=2', 'job.sh'], 2, / hint: Did you mean "vcpus"\? Keys: img, vcpus, ram, /);
  await refused(
    ['-vm', 'ram=15X', 'job.sh'],
    2,
    /^vsub: Cannot use ram="15X": not a size\n {2}hint: Write digits and one of/,
  );
  await refused(['-vm', 'img=nosuch', 'job.sh'], 1, /^vsub: Cannot use image "nosuch": .*\n {2}hint: .*host/);
  await refused(
    ['-vm', 'img=host', '-l', 'procs=2', 'job.sh'],
    1,
    /^vsub: Cannot use procs=2 with -vm: the slots may be spread over nodes/,
  );
  await refused(
    ['-vm', 'vcpus=2', '-l', 'nodes=1', 'job.sh'],
    1,
    /hint: Ask for as many slots, -l nodes=1:ppn=2, or for vcpus=1\n$/,
  );
  await refused(['-I', '-vm', 'img=host'], 1, /^qsub:\tstandard input and output must be a terminal/);
  await refused(
    ['-I', '-vm', 'img=host,keep=5'],
    1,
    /^vsub: Cannot use keep=5 with -I: the VM stays as long as your shell\n/,
  );
  await refused(
    ['-vm', 'vrdma=true', 'job.sh'],
    1,
    /^vsub: Cannot use vrdma=true: not available in this version\n {2}hint: Leave it out, or write vrdma=false; in this version /,
  );
  await refused(
    ['-vm', 'mount=/etc/shadow:/x', 'job.sh'],
    1,
    'vsub: Cannot mount "/etc/shadow" at "/x": it is not a directory\n  hint: Name a folder: a file comes into the VM with the folder that it is in\n',
  );
  await refused(['-I', '-X', '-vm', 'img=host'], 2, /^\[qsub: DISPLAY not set\]\n\nusage: qsub /);
  await refused(['-vm'], 2, /^vsub: Cannot read "-vm": its value is missing\n/);
});

test('an error in the script names its line', async () => {
  writeFileSync(join(work, 'bad.sh'), '#!/bin/sh\n\n#PBS -vm vcpus=0\n');
  await refused(
    ['bad.sh'],
    1,
    'vsub: Cannot use vcpus="0": less than 1\n  in line 3 of the script\n  hint: Write a whole number from 1 to 1000000, for instance vcpus=2\n',
  );
});

test('scripts that qsub would refuse are refused in its words, with a remedy', async () => {
  writeFileSync(join(work, 'dos.sh'), '#!/bin/sh\r\necho\r\n');
  writeFileSync(join(work, 'binary'), Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 0]));
  writeFileSync(join(work, 'my job.sh'), '#!/bin/sh\n');
  const vm = ['-vm', 'img=host'];
  await refused(
    [...vm, 'nofile.sh'],
    1,
    "qsub: script file 'nofile.sh' cannot be loaded - No such file or directory\n  hint: Check the path of the script\n",
  );
  await refused([...vm, '/tmp'], 1, 'qsub: script not a file\n  hint: "/tmp" is not a regular file\n');
  await refused(
    [...vm, 'binary'],
    1,
    /^qsub: {2}file must be an ascii script\n {2}hint: Byte 1 is a control character/,
  );
  await refused([...vm, 'dos.sh'], 1, /^qsub: {2}script is written in DOS\/Windows text format\n {2}hint: Line 1 ends/);
  await refused([...vm, 'my job.sh'], 2, /^\[qsub: cannot form a valid job name from the script name\]\n\nusage: qsub/);
});

test('a script that may not be read is refused as by qsub', {
  skip: process.getuid?.() === 0 && 'root may read everything',
}, async () => {
  writeFileSync(join(work, 'closed.sh'), '#!/bin/sh\n');
  chmodSync(join(work, 'closed.sh'), 0);
  await refused(['-vm', 'img=host', 'closed.sh'], 2, /^\[qsub: opening script file:\]\n\nusage: qsub/);
});

test('without a batch system the remedy is named', async () => {
  const noEngine = { path: '/nonexistent', env: { VTORQUE_LOCAL: join(work, 'none') } };
  for (const argv of [['job.sh'], ['-vm', 'img=host', 'job.sh']]) {
    const message = /^vsub: Cannot find a batch system: .*\n {2}hint: .*vtorque local start\n$/;
    await refused(argv, 1, message, noEngine);
  }
});

test('vsub under the name qsub on PATH does not call itself', async () => {
  const names = join(work, 'names');
  mkdirSync(names);
  symlinkSync(vsub, join(names, 'qsub'));
  const { stdout, code } = await run(join(names, 'qsub'), ['job.sh'], { path: `${names}${delimiter}${bin}` });
  assert.deepEqual({ stdout, code }, { stdout: '12.head\n', code: 0 });
});

test('a qsub without an interpreter line is run as a shell would', async () => {
  const plain = join(work, 'plain');
  mkdirSync(plain);
  writeFileSync(join(plain, 'qsub'), 'echo "$1"\nexit 3\n', { mode: 0o755 });
  assert.deepEqual(await run(vsub, ['a b'], { path: plain }), { stdout: 'a b\n', stderr: '', code: 3 });
});

test('arguments that are not UTF-8 are refused instead of changed', async () => {
  const { stderr, code } = await run('/bin/sh', ['-c', `exec '${vsub}' -N "$(printf 'a\\377')" job.sh`]);
  assert.match(stderr, /^vsub: Cannot read the arguments: there are bytes that are not UTF-8\n {2}hint: /);
  assert.equal(code, 2);
  await run(vsub, ['-N', '\ufffd', 'job.sh']);
  assert.deepEqual(recordedArgv(), ['-N', '\ufffd', 'job.sh']);
});

test('signals reach qsub, and the temporary directory goes', async () => {
  const slow = join(work, 'slow');
  mkdirSync(slow);
  writeFileSync(join(slow, 'qsub'), '#!/bin/sh\necho ready >&2\nexec tail -f /dev/null\n', { mode: 0o755 });
  for (const [signal, expected] of [
    ['SIGTERM', 143],
    ['SIGINT', 130],
    ['SIGHUP', 129],
  ] as const) {
    const child = start(vsub, ['-vm', 'img=host', 'job.sh'], { path: slow });
    await once(child.stderr ?? child, 'data');
    assert.equal(readdirSync(temporary).length, 1);
    child.kill(signal);
    const [code] = await once(child, 'close');
    assert.equal(code, expected);
    assert.deepEqual(readdirSync(temporary), []);
  }
});

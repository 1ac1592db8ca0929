import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { VtorqueError } from '../base/index.ts';
import {
  completeRequest,
  effectiveSettings,
  findKey,
  mergeSettings,
  type Origin,
  parseVmItem,
  parseVmValue,
  vmKeys,
} from './index.ts';
import { type Item, splitItems } from './split.ts';

const read = (text: string): Record<string, unknown> => mergeSettings(parseVmValue(text));

function refused(text: string, code: string, exitCode: number, message: string | RegExp, hint: string | RegExp): void {
  assert.throws(() => parseVmValue(text), { code, exitCode, message, hint }, text);
}

/** An item, written so that it is read back. */
function formatItem({ key, value }: Item): string {
  return /^[^\s,'"\\]+$/.test(value) ? `${key}=${value}` : `${key}="${value.replace(/["\\]/g, '\\$&')}"`;
}

test('keys and values of this version', () => {
  assert.deepEqual(read('img=debian-12,vcpus=2,ram=512M'), { img: 'debian-12', vcpus: 2, ram: 512 * 1024 ** 2 });
});

test('keys are the same in any case, values are not, blanks around them do not matter', () => {
  assert.deepEqual(read('IMG=Host, Ram = 2GiB '), { img: 'Host', ram: 2 ** 31 });
});

test('a quoted value may hold commas, blanks and equal signs', () => {
  assert.deepEqual(read(`img="a, b=c",vcpus='2'`), { img: 'a, b=c', vcpus: 2 });
  assert.deepEqual(read('img=a\\,b'), { img: 'a,b' });
  assert.deepEqual(read(`img="say \\"hi\\""`), { img: 'say "hi"' });
});

test('sizes have a unit, with or without B or iB', () => {
  for (const text of ['1G', '1g', '1GB', '1GiB', '1024M', '1048576K'])
    assert.deepEqual(read(`ram=${text}`), { ram: 2 ** 30 });
});

test('within one source the last one wins', () => {
  assert.deepEqual(read('vcpus=1,vcpus=3'), { vcpus: 3 });
});

test('an unknown key is refused, with the one that was meant and all there are', () => {
  refused(
    'vcpu=2',
    'E_VM_KEY',
    2,
    'Cannot use the -vm key "vcpu": no such key',
    /^Did you mean "vcpus"\? Keys: img, vcpus, ram, /,
  );
  refused('colour=2', 'E_VM_KEY', 2, /"colour"/, /^Keys: img, vcpus, ram/);
});

test('syntax errors say what is missing', () => {
  const syntax = (text: string, state: string): void =>
    refused(text, 'E_VM_SYNTAX', 2, `Cannot read "-vm ${text}": ${state}`, /^Write -vm KEY=VALUE/);
  syntax('', 'an item is empty');
  syntax('img', '"img" has no value');
  syntax('img=', 'the value of "img" is empty');
  syntax('=x', 'a key is missing before "="');
  syntax('img=host,,ram=1G', 'an item is empty');
  syntax('img=host,', 'an item is empty');
  syntax('img="host', 'the quote " is not closed');
});

test('bad sizes are refused with the reason and the remedy', () => {
  const units = /^Write digits and one of the units K, M, G, T .* ram=512M or ram=2G$/;
  refused('ram=512', 'E_VM_VALUE', 2, 'Cannot use ram="512": no unit', units);
  refused('ram=15X', 'E_VM_VALUE', 2, 'Cannot use ram="15X": not a size', units);
  refused('ram=1.5G', 'E_VM_VALUE', 2, 'Cannot use ram="1.5G": not a whole number', units);
  refused('ram=much', 'E_VM_VALUE', 2, 'Cannot use ram="much": not a size', units);
  refused('ram=-1G', 'E_VM_VALUE', 1, 'Cannot use ram="-1G": a negative size', units);
  refused('ram=0M', 'E_VM_VALUE', 1, 'Cannot use ram="0M": less than 128M', 'The least is ram=128M');
  refused('ram=127M', 'E_VM_VALUE', 1, 'Cannot use ram="127M": less than 128M', 'The least is ram=128M');
  refused('ram=99999999999T', 'E_VM_VALUE', 2, 'Cannot use ram="99999999999T": not a size', units);
});

test('bad numbers are refused with the reason and the remedy', () => {
  const remedy = 'Write a whole number from 1 to 1000000, for instance vcpus=2';
  refused('vcpus=two', 'E_VM_VALUE', 2, 'Cannot use vcpus="two": not a whole number', remedy);
  refused('vcpus=1.5', 'E_VM_VALUE', 2, 'Cannot use vcpus="1.5": not a whole number', remedy);
  refused('vcpus=0', 'E_VM_VALUE', 1, 'Cannot use vcpus="0": less than 1', remedy);
  refused('vcpus=-1', 'E_VM_VALUE', 1, 'Cannot use vcpus="-1": less than 1', remedy);
});

test('keys that are still to come are known, checked and refused', () => {
  const code = 'E_VM_KEY_UNAVAILABLE';
  refused(
    'vrdma=true',
    code,
    1,
    'Cannot use vrdma=true: not available in this version',
    /^Leave it out, or write vrdma=false; in this version the VMs of a job reach each other by its network alone/,
  );
  refused('metadata=m.json', 'E_VM_VALUE', 2, /it does not end in \.yaml or \.yml/, /./);
  refused(
    'iocm=maybe',
    'E_VM_VALUE',
    2,
    'Cannot use iocm="maybe": neither true nor false',
    'Write iocm=true or iocm=false',
  );
});

test('disk= is scratch of a size, a file, or a file that is made with a size', () => {
  const parsed = (text: string): unknown => read(text).disk;
  assert.deepEqual(parsed('disk=10G'), { size: 10 * 1024 ** 3 });
  assert.deepEqual(parsed('disk=/data/d.img'), { file: '/data/d.img' });
  assert.deepEqual(parsed('disk=10.qcow2'), { file: '10.qcow2' });
  assert.deepEqual(parsed('disk=d.raw:500M'), { file: 'd.raw', size: 500 * 1024 ** 2 });
  assert.deepEqual(parsed('disk=a:b.raw'), { file: 'a:b.raw' });
  refused('disk=10X', 'E_VM_VALUE', 2, 'Cannot use disk="10X": not a size', /^Write digits and one of the units/);
  refused('disk=d.raw:10', 'E_VM_VALUE', 2, 'Cannot use disk="10": no unit', /^Write digits and one of the units/);
  refused('disk=1M', 'E_VM_VALUE', 1, 'Cannot use disk="1M": less than 16M', 'The least is disk=16M');
  refused('disk=d.txt', 'E_VM_VALUE', 2, /it does not end in \.img or/, /^Write disk=10G for scratch/);
});

test('fs_type= is one of two words', () => {
  refused(
    'fs_type=ramdsk',
    'E_VM_VALUE',
    2,
    'Cannot use fs_type="ramdsk": not known',
    /^Did you mean fs_type=ramdisk\?/,
  );
});

test('the table has all keys of 2018 and no name twice', () => {
  const of2018 =
    'img distro arch ram vcpus vcpu_pinning vms_per_node disk vm_prologue vm_epilogue metadata vrdma unclot unclot_shmem iocm iocm_min_cores iocm_max_cores fs_type';
  for (const name of of2018.split(' ')) assert.ok(findKey(name), name);
  assert.equal(new Set(vmKeys.map(({ name }) => name)).size, vmKeys.length);
});

test('booleans have every spelling of 2018: 0 is yes and 1 is no', () => {
  const iocm = findKey('iocm')?.type;
  for (const yes of ['true', 'YES', 'enabled', '0', 'on']) assert.equal(iocm?.parse(yes, 'iocm'), true);
  for (const no of ['false', 'No', 'DISABLED', '1', 'off']) assert.equal(iocm?.parse(no, 'iocm'), false);
});

test('every documented form of the keys of 2018 is read: it is taken, or refused only because its time is to come', () => {
  const forms = [
    ...['img=a.img', 'img=/pool/a.qcow2', 'arch=x86_64', 'ram=24576M', 'ram=16G', 'ram=1T', 'ram=2000000K', 'vcpus=7'],
    ...['debian', 'Ubuntu', 'REDHAT', 'RedHat', 'CentOS', 'OSv'].map((name) => `distro=${name}`),
    ...['true', 'False', 'AUTO', 'yes', 'enabled', 'DISABLED', '0', '1', '/home/u/pins.map'].map(
      (v) => `vcpu_pinning=${v}`,
    ),
    ...['vms_per_node=1', 'vms_per_node=4', 'disk=10G', 'disk=500M', 'disk=/data/d.img', 'disk=d.qcow2'],
    ...['vm_prologue=/home/u/pro.sh', 'vm_epilogue=epi.sh', 'metadata=site.yaml', 'unclot_shmem=1024M'],
    ...['vrdma', 'unclot', 'iocm'].flatMap((key) => ['true', 'false', 'yes', 'no', '0', '1'].map((v) => `${key}=${v}`)),
    ...['iocm_min_cores=1', 'iocm_max_cores=4', 'fs_type=sharedfs', 'fs_type=ramdisk'],
  ];
  for (const form of forms) {
    try {
      parseVmValue(form);
    } catch (error) {
      assert.equal((error as VtorqueError).code, 'E_VM_KEY_UNAVAILABLE', form);
    }
  }
});

test('a value that asks for nothing but what holds anyway is taken', () => {
  const text = 'arch=x86_64,iocm=no,keep=0,vrdma=false';
  assert.deepEqual(read(`img=host,${text}`), { img: 'host', keep: 0 });
});

test('every key that is still to come says what holds meanwhile, and a value that it offers is taken', () => {
  for (const { name, availability, meanwhile, instead } of vmKeys) {
    assert.equal(availability === 'now', meanwhile === undefined, name);
    if (instead !== undefined) assert.equal(parseVmValue(`${name}=${instead}`).length, 1);
  }
});

test('vcpu_pinning= takes auto, yes or no in every spelling, or the name of a file', () => {
  const parsed = (value: string) => read(`vcpu_pinning=${value}`).vcpuPinning;
  for (const value of ['auto', 'AUTO', 'true', 'enabled', '0']) assert.equal(parsed(value), 'auto');
  for (const value of ['false', 'DISABLED', '1']) assert.equal(parsed(value), false);
  assert.deepEqual(parsed('/home/u/pins.map'), { file: '/home/u/pins.map' });
});

test('keep= takes minutes, a week at most', () => {
  assert.deepEqual(read('keep=30'), { keep: 30 });
  refused(
    'keep=1h',
    'E_VM_VALUE',
    2,
    'Cannot use keep="1h": not a whole number of minutes',
    'Write keep=10 for ten minutes',
  );
  refused('keep=10081', 'E_VM_VALUE', 1, 'Cannot use keep="10081": more than 10080, a week', /./);
});

test('a number for a boolean is taken with a warning that names the clear spelling', () => {
  const [zero, word] = parseVmValue('iocm=1,unclot=false');
  assert.match(zero?.warning ?? '', /^iocm=1 means false .* iocm=false$/);
  assert.equal(word?.warning, undefined);
});

test('variables and folders add up, and those of one name replace each other', () => {
  assert.deepEqual(read('env=A=1,env=B="x, y=z",env=A=2,env=C=').env, { A: '2', B: 'x, y=z', C: '' });
  assert.deepEqual(read('mount=/a:/data,mount=b/c:/more/:ro,mount=/z:/data/./').mounts, [
    { host: '/z', guest: '/data', readonly: false },
    { host: 'b/c', guest: '/more', readonly: true },
  ]);
});

test('bad variables and folders are refused with the reason and the remedy', () => {
  refused('env=A', 'E_VM_VALUE', 2, 'Cannot use env="A": not NAME=VALUE', /^Write env=NAME=VALUE/);
  refused('env=1A=x', 'E_VM_VALUE', 2, /not NAME=VALUE/, /^Write/);
  refused('env=PBS_JOBID=1', 'E_VM_VALUE', 1, /"PBS_JOBID" is set by the batch system/, /without PBS_/);
  refused('mount=/a', 'E_VM_VALUE', 2, 'Cannot use mount="/a": not HOST:GUEST', /^Write mount=HOST:GUEST/);
  refused('mount=/a:/b:rx', 'E_VM_VALUE', 2, /"rx" is neither ro nor rw/, /^Write/);
  refused('mount=/a:b', 'E_VM_VALUE', 2, /"b" is not an absolute path/, /^Write/);
  for (const guest of ['/', '/usr/x', '/x/../etc', '/proc', '/home', '/run/vtorque/x', '//tmp/'])
    refused(`mount=/a:${guest}`, 'E_VM_VALUE', 1, /belongs to the guest's own system$/, /^Choose a directory/);
});

test('processor models are those of QEMU, with their variants', () => {
  for (const model of ['host', 'max', 'qemu64', 'Haswell-noTSX-IBRS', 'EPYC-Rome-v2', 'Skylake-Server-v4'])
    assert.deepEqual(read(`cpu=${model}`), { cpu: model });
  refused(
    'cpu=haswel',
    'E_VM_VALUE',
    2,
    'Cannot use cpu="haswel": no such processor model',
    /^Did you mean cpu=Haswell\?/,
  );
  refused('cpu=max-v1', 'E_VM_VALUE', 2, /no such/, /./);
  refused('cpu="host,-avx"', 'E_VM_VALUE', 2, /no such/, /./);
});

test('sources beat each other key by key: command line, script, environment, own, queue, site defaults', () => {
  const file = '/f';
  const sources: Origin[] = [
    { kind: 'site defaults', file },
    { kind: 'command line' },
    { kind: 'queue defaults', queue: 'q', file },
    { kind: 'script', line: 2 },
    { kind: 'user defaults', file },
    { kind: 'environment' },
  ];
  const strongest = ['command line', 'script', 'environment', 'user defaults', 'queue defaults', 'site defaults'];
  for (let left = strongest.length; left > 0; left--) {
    const kinds = strongest.slice(-left);
    const settings = sources
      .filter(({ kind }) => kinds.includes(kind))
      .flatMap((origin) => parseVmValue(`img=${origin.kind.replace(' ', '-')},env=${origin.kind.charAt(0)}=1`, origin));
    const [img] = effectiveSettings(settings).filter(({ key }) => key === 'img');
    assert.equal(img?.origin.kind, kinds[0]);
  }
});

test('an error in a file of defaults names file and line', () => {
  const origin = { kind: 'user defaults', file: '/d.toml', line: 4 } as const;
  assert.throws(() => parseVmItem('vcpus', '0', origin), {
    code: 'E_VM_VALUE',
    details: ['in your defaults, /d.toml:4'],
  });
});

test('an error in the script names the line', () => {
  assert.throws(() => parseVmValue('vcpus=0', { kind: 'script', line: 3 }), {
    code: 'E_VM_VALUE',
    exitCode: 1,
    details: ['in line 3 of the script'],
  });
});

test('what nobody asks for is the host, a virtual CPU per slot, 1 GiB', () => {
  assert.deepEqual(completeRequest({}), { img: 'host', vcpus: 1, ram: 2 ** 30 });
  assert.deepEqual(completeRequest({}, { ppn: 4 }), { img: 'host', vcpus: 4, ram: 2 ** 30 });
  assert.deepEqual(completeRequest({ vcpus: 2 }, { ppn: 4 }), { img: 'host', vcpus: 2, ram: 2 ** 30 });
});

test('the stronger source beats the weaker one key by key', () => {
  const script = parseVmValue('img=a,ram=2G', { kind: 'script', line: 2 });
  assert.deepEqual(mergeSettings([...script, ...parseVmValue('img=b,vcpus=3')]), { img: 'b', ram: 2 ** 31, vcpus: 3 });
});

test('an item written is read back', () => {
  const key = fc.stringMatching(/^[a-z_]{1,8}$/);
  const value = fc.string({ unit: 'binary', minLength: 1, maxLength: 12 });
  fc.assert(
    fc.property(
      fc.array(fc.record({ key, value }, { noNullPrototype: true }), { minLength: 1, maxLength: 4 }),
      (items) => {
        assert.deepEqual(splitItems(items.map(formatItem).join(',')), items);
      },
    ),
    { numRuns: 10_000 },
  );
});

test('any text is read or refused', () => {
  const text = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 30 }),
    fc.string({ unit: fc.constantFrom('img', 'ram', 'vcpus', '=', ',', '"', "'", '\\', '1', 'G', ' '), maxLength: 12 }),
  );
  fc.assert(
    fc.property(text, (value) => {
      try {
        parseVmValue(value);
      } catch (error) {
        assert.ok(error instanceof VtorqueError);
        assert.ok(error.hint && (error.exitCode === 1 || error.exitCode === 2));
      }
    }),
    { numRuns: 20_000 },
  );
});

test('a hook of the user is for all VMs, or for the first one', () => {
  assert.deepEqual(read('vm_prologue=pro.sh,vm_epilogue=/x/a:b:first'), {
    vmPrologue: { file: 'pro.sh', where: 'all' },
    vmEpilogue: { file: '/x/a:b', where: 'first' },
  });
  assert.deepEqual(read('vm_prologue=pro:all').vmPrologue, { file: 'pro', where: 'all' });
  assert.throws(() => read('vm_prologue=:first'), { code: 'E_VM_VALUE', exitCode: 2 });
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB } from '../../base/index.ts';
import { type EffectiveOptions, effectiveOptions, walkQsubArgs } from '../../pbs/index.ts';
import type { VmRequest } from '../../request/index.ts';
import { SiteConfig } from '../../site/config/index.ts';
import { requestedSlots } from './checks.ts';
import { needsOf, type SubmitSettings, submitSettings, withAdded } from './needs.ts';

const options = (...argv: string[]): EffectiveOptions => effectiveOptions(walkQsubArgs(argv).options, []);
const vm = (vcpus: number, ram = GiB) => ({ img: 'host', vcpus, ram });
const usual: SubmitSettings = { hostCores: 0, hostRam: 0, ramdisk: GiB, undersized: 'refuse', nodeAccess: '' };
const words = (request: VmRequest, argv: string[], settings: Partial<SubmitSettings> = {}): string[] => {
  const asked = options(...argv);
  return needsOf(request, requestedSlots(asked), asked, { ...usual, ...settings }).flatMap((added) => added.words);
};

test('a job that asks for no slots gets one per virtual CPU, and those for the node itself', () => {
  assert.deepEqual(words(vm(1), []), []);
  assert.deepEqual(words(vm(4), []), ['-l', 'nodes=1:ppn=4']);
  assert.deepEqual(words(vm(1), [], { hostCores: 1 }), ['-l', 'nodes=1:ppn=2']);
  assert.deepEqual(words(vm(4), ['-l', 'nodes=1:ppn=4']), []);
});

test('more virtual CPUs than slots are refused, with both ways out', () => {
  const settings = { ...usual };
  const asked = options('-l', 'nodes=1:ppn=2');
  assert.throws(() => needsOf(vm(4), 2, asked, settings), {
    code: 'E_VCPUS_SLOTS',
    exitCode: 1,
    message: 'Cannot use vcpus=4 with -l nodes=1:ppn=2: 2 slots on the node',
    hint: 'Ask for as many slots, -l nodes=1:ppn=4, or for vcpus=2',
  });
  assert.throws(() => needsOf(vm(2), 2, asked, { ...usual, hostCores: 1 }), {
    message: 'Cannot use vcpus=2 with -l nodes=1:ppn=2: 2 slots on the node, and 1 of them for the node itself',
    hint: 'Ask for as many slots, -l nodes=1:ppn=3, or for vcpus=1',
  });
});

test('more VMs than slots are refused with how many there may be', () => {
  assert.throws(() => words({ ...vm(1), vmsPerNode: 1000 }, ['-l', 'nodes=1:ppn=4']), {
    code: 'E_VCPUS_SLOTS',
    hint: 'Ask for as many slots, -l nodes=1:ppn=1000, or for vms_per_node=4',
  });
});

test('where the site raises, the request for slots is written anew with all else that it has', () => {
  const raise = { undersized: 'raise' } as const;
  for (const [asked, expected] of [
    ['nodes=1:ppn=2', 'nodes=1:ppn=4'],
    ['nodes=1', 'nodes=1:ppn=4'],
    ['nodes=n3:ppn=2:big#excl', 'nodes=n3:ppn=4:big#excl'],
    ['nodes=1:big', 'nodes=1:ppn=4:big'],
    ['ncpus=2', 'ncpus=4'],
    ['nodes=2:ppn=2+1:ppn=8#excl', 'nodes=2:ppn=4+1:ppn=8#excl'],
    ['nodes=n1+n2:ppn=3:big', 'nodes=n1:ppn=4+n2:ppn=4:big'],
  ] as const) {
    assert.deepEqual(words(vm(4), ['-l', asked], raise), ['-l', expected]);
  }
});

test('less memory than the VM has is refused or raised; none is asked for on its own', () => {
  assert.deepEqual(words(vm(1), ['-l', 'mem=1188mb']), []);
  assert.deepEqual(words(vm(1), []), []);
  assert.throws(() => words(vm(1), ['-l', 'mem=1gb']), {
    code: 'E_RAM_MEM',
    exitCode: 1,
    message: 'Cannot use ram=1G with -l mem=1gb: less than 1G of the VM and 164M for QEMU',
    hint: 'Ask for -l mem=1188mb, or for less ram',
  });
  const settings = { undersized: 'raise', hostRam: GiB } as const;
  assert.deepEqual(words(vm(1), ['-l', 'mem=1gb'], settings), ['-l', 'mem=2212mb']);
});

test('what changes of an image in memory is asked for with the memory of its VM, on each node; the own system of a node has none', () => {
  const inRam = { ...vm(1), img: 'debian-12', fsType: 'ramdisk' } as const;
  assert.throws(() => words(inRam, ['-l', 'mem=1gb']), {
    code: 'E_RAM_MEM',
    message: 'Cannot use ram=1G with -l mem=1gb: less than 1G of the VM, 1G for fs_type=ramdisk and 164M for QEMU',
  });
  const settings = { undersized: 'raise', ramdisk: 3 * GiB } as const;
  assert.deepEqual(words({ ...inRam, vmsPerNode: 2 }, ['-l', 'mem=1gb,nodes=1:ppn=2'], settings), ['-l', 'mem=8520mb']);
  assert.deepEqual(words({ ...inRam, img: 'host' }, ['-l', 'mem=1188mb']), []);
});

test("the site's access to nodes is asked for unless the user asks for one", () => {
  const settings = { nodeAccess: 'singlejob' };
  assert.deepEqual(words(vm(1), [], settings), ['-l', 'naccesspolicy=singlejob']);
  assert.deepEqual(words(vm(1), ['-l', 'naccesspolicy=shared'], settings), []);
});

test('additions stand in front, replacements behind what they replace, and the script keeps its place', () => {
  const front = { words: ['-l', 'a=1'], reason: '' } as const;
  const behind = { words: ['-l', 'b=2'], reason: '', replaces: 'b=1' } as const;
  assert.deepEqual(withAdded(['-l', 'b=1', 'job.sh', 'x'], [front, behind], { script: 2 }), {
    argv: ['-l', 'a=1', '-l', 'b=1', 'job.sh', 'x', '-l', 'b=2'],
    script: 4,
  });
  assert.deepEqual(withAdded(['-l', 'b=1', '--', 'x'], [behind], { endOfOptions: 2 }).argv, [
    ...['-l', 'b=1', '-l', 'b=2', '--', 'x'],
  ]);
});

test('the VM of each node needs its slots and its part of the memory', () => {
  assert.deepEqual(words(vm(2), ['-l', 'nodes=2:ppn=2+1:ppn=4', '-l', 'mem=4gb']), []);
  assert.throws(() => words(vm(4), ['-l', 'nodes=2:ppn=2+1:ppn=4']), {
    code: 'E_VCPUS_SLOTS',
    message: 'Cannot use vcpus=4 with -l nodes=2:ppn=2+1:ppn=4: 2 slots on a node',
    hint: 'Ask for as many slots, -l nodes=2:ppn=4+1:ppn=4, or for vcpus=2',
  });
  assert.throws(() => words(vm(1), ['-l', 'nodes=3', '-l', 'mem=2gb']), {
    message: 'Cannot use ram=1G with -l mem=2gb: less than 1G of the VM and 164M for QEMU on each of 3 nodes',
    hint: 'Ask for -l mem=3564mb, or for less ram',
  });
});

test('a site without a configuration has what one with an empty configuration has', () => {
  assert.deepEqual(submitSettings(undefined, undefined), submitSettings(new SiteConfig(), undefined));
});

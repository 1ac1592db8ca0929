import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB } from '../../base/index.ts';
import { type EffectiveOptions, effectiveOptions, walkQsubArgs } from '../../pbs/index.ts';
import { requestedNodes, requestedSlots } from './checks.ts';
import { needsOf, type SubmitSettings } from './needs.ts';

const options = (...argv: string[]): EffectiveOptions => effectiveOptions(walkQsubArgs(argv).options, []);
const usual: SubmitSettings = { hostCores: 0, hostRam: 0, ramdisk: GiB, undersized: 'refuse', nodeAccess: '' };
const words = (vcpus: number, argv: string[], settings: Partial<SubmitSettings> = {}): string[] => {
  const asked = options(...argv);
  const request = { img: 'host', vcpus, ram: GiB };
  return needsOf(request, requestedSlots(asked), asked, { ...usual, ...settings }).flatMap((added) => added.words);
};

test('the slots of select= are those of the VM', () => {
  assert.equal(requestedSlots(options('-l', 'select=1:ncpus=4')), 4);
  assert.equal(requestedSlots(options('-l', 'select=4:ncpus=2', '-l', 'place=pack')), 8);
  const spread = options('-l', 'select=2:ncpus=4+1:ncpus=2', '-l', 'place=scatter');
  assert.deepEqual([requestedNodes(spread), requestedSlots(spread)], [3, 2]);
  assert.deepEqual(words(4, ['-l', 'select=1:ncpus=4:mem=2gb']), []);
});

test('a select= that leaves the number of nodes open is refused, with what would settle it', () => {
  assert.throws(() => requestedSlots(options('-l', 'select=2:ncpus=1')), {
    code: 'E_NODES_UNAVAILABLE',
    hint: /-l place=scatter .* -l place=pack/,
  });
});

test('a chunk that is too small for its VM is refused with one that is not, or raised where the site says so', () => {
  assert.throws(() => words(4, ['-l', 'select=1:ncpus=2']), {
    code: 'E_VCPUS_SLOTS',
    message: 'Cannot use vcpus=4 with -l select=1:ncpus=2: 2 CPUs on a node',
    hint: 'Ask for -l select=1:ncpus=4, or for a smaller VM',
  });
  assert.throws(() => words(2, ['-l', 'select=1:ncpus=2:mem=512mb']), {
    code: 'E_RAM_MEM',
    hint: 'Ask for -l select=1:ncpus=2:mem=1192mb, or for a smaller VM',
  });
  const raise = { undersized: 'raise', hostCores: 1 } as const;
  assert.deepEqual(words(4, ['-l', 'select=1:ncpus=2:mem=512mb'], raise), ['-l', 'select=1:ncpus=5:mem=1200mb']);
});

test('beside place= the slots of the VM are asked for with select=', () => {
  assert.deepEqual(words(4, ['-l', 'place=excl']), ['-l', 'select=1:ncpus=4']);
  assert.deepEqual(words(1, ['-l', 'place=excl']), []);
});

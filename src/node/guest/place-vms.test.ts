import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { NodeFacts, PlacedVm } from '../../plan/index.ts';
import type { VmRequest } from '../../request/index.ts';
import type { CpuClaims } from './cpu-claims.ts';
import { usualSettings } from './node-settings.ts';
import { type PlaceOptions, placementFacts, placeVms } from './place-vms.ts';

const GiB = 1024 ** 3;
const cpus = [0, 1, 2, 3].map((id) => ({ id, package: 0, die: 0, core: id, node: 0, cache: 0 }));
const facts: NodeFacts = {
  ...{
    cpus,
    allowed: [0, 1, 2, 3],
    isMachine: true,
    memoryNodes: [0],
    memory: { total: 64 * GiB },
    vendor: 'AuthenticAMD',
  },
  numa: [{ id: 0, free: 64 * GiB, distances: [10], hugePages: [] }],
};
const vms: PlacedVm[] = [1, 2].map((index) => ({ name: `vn1-${index}`, index, vcpus: 1, ram: GiB }));

const asked = (vcpuPinning: VmRequest['vcpuPinning'], slots = 4): PlaceOptions => ({
  request: { img: 'debian-12', ...(vcpuPinning === undefined ? {} : { vcpuPinning }) },
  settings: {
    placement: { smt: 'auto', hostCores: 0, hostRam: 0 },
    storage: { ...usualSettings.storage, ramdisk: 40 * GiB },
  },
  ...{ facts, slots, node: 'n1' },
});

/** Claims on a node where others have some CPUs. */
function beside(...others: readonly number[]): CpuClaims & { readonly held: number[] } {
  const held: number[] = [];
  return {
    held,
    claim: async (wanted) => {
      const taken = wanted.filter((cpu) => others.includes(cpu));
      if (taken.length === 0) held.push(...wanted);
      return taken;
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

test('placeVms() takes CPUs that no VM of another job has, and claims them', async () => {
  const claims = beside(0, 2);
  const placements = await placeVms(vms, asked('auto'), claims);
  assert.deepEqual(
    placements.map(({ pins }) => pins?.vcpus),
    [[1], [3]],
  );
  assert.deepEqual(claims.held, [1, 3]);
  assert.equal(placements[0]?.hostVendor, 'AuthenticAMD');
});

test('placeVms() pins beside VMs of other jobs where it must and is asked to, and says so', async () => {
  const [first] = await placeVms(vms, asked('auto'), beside(0, 1, 2));
  assert.deepEqual(first?.pins?.vcpus, [0]);
  assert.match(first?.reason ?? '', /; VMs of other jobs are pinned there, too$/);
});

test('placeVms() leaves VMs unpinned beside those of other jobs where nobody has asked for more', async () => {
  const claims = beside(0, 1, 2);
  const [first] = await placeVms(vms, asked(undefined), claims);
  assert.equal(first?.pins, undefined);
  assert.match(first?.reason ?? '', /^virtual CPUs are not pinned: .*; VMs of other jobs have 3 CPUs$/);
  assert.deepEqual(claims.held, []);
});

test('placeVms() keeps to a file also where others are', async () => {
  const lines = [
    { vm: 1, vcpu: 0, cpu: 2 },
    { vm: 2, vcpu: 0, cpu: 0 },
  ];
  const placements = await placeVms(vms, asked({ file: 'pins', cpus: lines }), beside(0));
  assert.deepEqual(
    placements.map(({ pins }) => pins?.vcpus),
    [[2], [0]],
  );
});

test('placementFacts() says once what holds for all', async () => {
  const same = await placeVms(vms, asked(false), beside());
  assert.deepEqual(placementFacts(same), ['placement: virtual CPUs are not pinned: the job asks for that']);
  const own = placementFacts(await placeVms(vms, asked('auto'), beside()));
  assert.deepEqual(
    own.map((fact) => fact.split(',')[0]),
    ['placement of vn1-1: virtual CPUs on CPU 0', 'placement of vn1-2: virtual CPUs on CPU 1'],
  );
});

test('placeVms() counts the memory that changes to images may take, where there are images and it is asked for', async () => {
  const inMemory = (img: string): PlaceOptions => {
    const options = asked(false);
    return { ...options, request: { ...options.request, img, fsType: 'ramdisk' } };
  };
  await placeVms(vms, inMemory('host'), beside());
  await assert.rejects(placeVms(vms, inMemory('debian-12'), beside()), {
    code: 'E_NODE_MEMORY',
    message: /81920 MiB for fs_type=ramdisk, and there are 65536 MiB$/,
  });
});

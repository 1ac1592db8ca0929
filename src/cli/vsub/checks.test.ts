import assert from 'node:assert/strict';
import { test } from 'node:test';
import { GiB } from '../../base/index.ts';
import { type EffectiveOptions, effectiveOptions, walkQsubArgs } from '../../pbs/index.ts';
import { checkJobKind, checkNodes, requestedNodes, requestedSlots } from './checks.ts';

const options = (...argv: string[]): EffectiveOptions => effectiveOptions(walkQsubArgs(argv).options, []);
const vm = (vcpus: number, ram = GiB) => ({ img: 'host', vcpus, ram });
const node = (name: string, np: number, memory: number) => ({ name, np, memory, state: 'free' });

test('slots are those of the one node', () => {
  assert.equal(requestedSlots(options('-l', 'nodes=1:ppn=4')), 4);
  assert.equal(requestedSlots(options('-l', 'nodes=n3')), 1);
  assert.equal(requestedSlots(options('-l', 'ncpus=3')), 3);
  assert.equal(requestedSlots(options('-l', 'procs=1')), 1);
  assert.equal(requestedSlots(options('-l', 'walltime=5')), undefined);
});

test('slots of several nodes are those of the smallest', () => {
  for (const [nodes, count, slots] of [
    ['2', 2, 1],
    ['1+1', 2, 1],
    ['2:ppn=4', 2, 4],
    ['n1+n2:ppn=2', 2, 1],
    ['2:ppn=2+1:ppn=4#excl', 3, 2],
  ] as const) {
    const asked = options('-l', `nodes=${nodes}`);
    assert.deepEqual([requestedNodes(asked), requestedSlots(asked)], [count, slots], nodes);
  }
  assert.equal(requestedNodes(options('-l', 'ncpus=3')), 1);
});

test('slots that may be anywhere are refused, with what would do', () => {
  assert.throws(() => requestedSlots(options('-l', 'procs=4')), {
    code: 'E_NODES_UNAVAILABLE',
    hint: 'Say on how many nodes: -l nodes=1:ppn=4, or with several nodes of fewer slots',
  });
});

test('a VM must fit on as many nodes as the job asks for', () => {
  const nodes = [node('n1', 4, GiB), node('n2', 4, GiB), node('n3', 2, GiB)];
  checkNodes(vm(4), nodes, 2);
  checkNodes(vm(2), nodes, 3);
  assert.throws(() => checkNodes(vm(4), nodes, 3), {
    code: 'E_NODES_TOO_FEW',
    message: 'Cannot use vcpus=4 with ram=1G on 3 nodes: only 2 nodes can hold such a VM',
    hint: 'Ask for fewer nodes, fewer vcpus or less ram',
  });
  assert.throws(() => checkNodes(vm(2), nodes, 4), { hint: 'Ask for fewer nodes' });
});

test('more VMs than a node has slots are refused, with how many there may be', () => {
  const many = (vmsPerNode: number, vcpus = 1) => ({ ...vm(vcpus), vmsPerNode });
  assert.throws(() => checkNodes(many(1000), [node('n1', 4, GiB)]), {
    code: 'E_VCPUS_TOO_MANY',
    message: 'Cannot use vcpus=1 in each of 1000 VMs: the largest node, "n1", has 4 slots',
    hint: 'Ask for at most vms_per_node=4',
  });
  assert.throws(() => checkNodes(many(6, 2), [node('n1', 5, GiB)]), { hint: 'Ask for at most vms_per_node=2' });
  assert.throws(() => checkNodes(many(5, 8), [node('n1', 4, GiB)]), { hint: 'Ask for at most vms_per_node=1,vcpus=4' });
  assert.throws(() => checkNodes(many(2), [node('n1', 2, GiB)], 1, { hostCores: 2 }), { hint: /tell the admin$/ });
});

test('NUMA requests are refused', () => {
  assert.throws(() => checkJobKind(options('-L', 'tasks=1'), {}), {
    code: 'E_JOB_KIND_UNAVAILABLE',
    message: /a job with -L/,
  });
  checkJobKind(options('-h'), {});
  checkJobKind(options('-I', '-x'), {});
});

test('X11 forwarding needs a display', () => {
  assert.throws(() => checkJobKind(options('-I', '-X'), { DISPLAY: '' }), {
    code: 'E_QSUB',
    message: '[qsub: DISPLAY not set]',
  });
  checkJobKind(options('-I', '-X'), { DISPLAY: ':0' });
  checkJobKind(options('-X'), { DISPLAY: ':0' });
});

test('what qsub says of interactive jobs counts in a VM, too', () => {
  assert.throws(() => checkJobKind(options('-I', '-t', '1-2'), {}), { code: 'E_QSUB', exitCode: 2 });
  assert.throws(() => checkJobKind(options('-x'), {}), { code: 'E_QSUB', exitCode: 2 });
});

test('a VM must fit on one node', () => {
  const nodes = [node('big', 8, 4 * GiB), node('fat', 2, 64 * GiB)];
  checkNodes(vm(8, 4 * GiB), nodes);
  checkNodes(vm(2, 64 * GiB), nodes);
  checkNodes(vm(800, 640 * GiB), undefined);
  assert.throws(() => checkNodes(vm(9), nodes), {
    code: 'E_VCPUS_TOO_MANY',
    exitCode: 1,
    message: 'Cannot use vcpus=9: the largest node, "big", has 8 slots',
    hint: 'Ask for at most vcpus=8',
  });
  checkNodes(vm(7), nodes, 1, { hostCores: 1 });
  assert.throws(() => checkNodes(vm(8), nodes, 1, { hostCores: 1 }), {
    message: 'Cannot use vcpus=8: the largest node, "big", has 8 slots, of which 1 for the node itself',
    hint: 'Ask for at most vcpus=7',
  });
  assert.throws(() => checkNodes(vm(1, 65 * GiB), nodes), {
    code: 'E_RAM_TOO_LARGE',
    message: 'Cannot use ram=65G: the node with the most memory, "fat", has 64G',
  });
  assert.throws(() => checkNodes(vm(4, 8 * GiB), nodes), { code: 'E_VM_TOO_LARGE' });
  const inMemory = { ...vm(2, 63 * GiB), img: 'debian-12', fsType: 'ramdisk' as const };
  checkNodes(inMemory, nodes, 1, { ramdisk: GiB });
  assert.throws(() => checkNodes(inMemory, nodes, 1, { ramdisk: 2 * GiB }), {
    message: 'Cannot use ram=63G and 2G for fs_type=ramdisk: the node with the most memory, "fat", has 64G',
    hint: "Ask for less than ram=62G; the node's own system needs memory, too",
  });
});

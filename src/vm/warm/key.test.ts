import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { VmMemory, VmSpec } from '../spec.ts';
import { aSpec } from '../test-spec.ts';
import { templateKey, whyNoTemplate } from './key.ts';

const spec = aSpec({ network: { kind: 'user', mac: '02:76:00:00:00:00' } });
const path = process.env.PATH ?? '';
const facts = { digestOf: async (file: string) => `digest of ${file}`, preparation: 'drivers', path };

test('templateKey() is the same for machines whose guests boot alike, whatever their jobs attach', async () => {
  const other: VmSpec = {
    ...spec,
    name: 'vnode1-2',
    disk: { path: '/i/root.qcow2', format: 'qcow2' },
    shares: [{ transport: '9p', tag: 'home', source: '/home/a', readonly: false }],
    network: undefined,
    placement: {
      pins: { vcpus: [0, 1], others: [0, 1] },
      topology: { sockets: 1, dies: 1, cores: 2, threads: 1 },
    },
  };
  assert.equal(await templateKey(other, facts), await templateKey(spec, facts));
});

test('templateKey() tells machines apart by all that a booting guest sees', async () => {
  const boot = { kind: 'direct', kernel: '/k/vmlinux', initrd: '/k/other.cpio' } as const;
  const others: VmSpec[] = [
    { ...spec, vcpus: 4 },
    { ...spec, ram: 1024 ** 3 },
    { ...spec, cpu: 'Haswell' },
    { ...spec, accelerator: 'kvm' },
    { ...spec, boot },
    { ...spec, boot: { kind: 'disk', seed: '/s.iso' }, disk: { path: '/i/a.qcow2', format: 'qcow2' } },
    { ...spec, boot: { kind: 'disk', seed: '/s.iso' }, disk: { path: '/i/b.qcow2', format: 'qcow2' } },
    { ...spec, placement: { topology: { sockets: 1, dies: 1, cores: 1, threads: 2 } } },
  ];
  const keys = await Promise.all([
    ...[spec, ...others].map((each) => templateKey(each, facts)),
    templateKey(spec, { ...facts, preparation: 'more drivers' }),
    templateKey(spec, { ...facts, digestOf: async () => 'another build under the same name' }),
  ]);
  assert.equal(new Set(keys).size, keys.length);
});

test('whyNoTemplate() names memory that cannot be a file', () => {
  assert.equal(whyNoTemplate(spec), undefined);
  const near = { size: spec.ram, hostNode: 1, vcpus: [0, 1] };
  const half = { ...near, size: spec.ram / 2 };
  const why = (memory: VmMemory): string | undefined => whyNoTemplate({ ...spec, placement: { memory } })?.label;
  assert.equal(why({ cells: [near] }), undefined);
  assert.equal(why({ cells: [half, half] }), 'numa');
  assert.equal(why({ cells: [near], hugePages: 2 * 1024 ** 2 }), 'huge-pages');
});

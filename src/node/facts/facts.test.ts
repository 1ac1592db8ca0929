import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { formatRanges } from '../../base/index.ts';
import { readNodeFacts } from './index.ts';

type Files = Readonly<Record<string, string>>;

/** Read the facts of a node that has these files of the kernel and no others. */
function factsOf(...parts: readonly Files[]) {
  const root = mkdtempSync(join(tmpdir(), 'vtt-facts-'));
  try {
    for (const [path, text] of parts.flatMap((files) => Object.entries(files))) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), `${text}\n`);
    }
    return readNodeFacts(root);
  } finally {
    rmSync(root, { recursive: true });
  }
}

/** What the kernel says of CPUs, from a table: `cpu package die core cache`. */
function cpuFiles(table: string): Files {
  const rows = table.trim().split('\n');
  const cpus = rows.map((row) => {
    const [id = 0, package_ = 0, die = 0, core = 0, cache = 0] = row.trim().split(/\s+/).map(Number);
    return { id, package: package_, die, core, cache };
  });
  const files: [string, string][] = [['sys/devices/system/cpu/online', formatRanges(cpus.map(({ id }) => id))]];
  for (const cpu of cpus) {
    const like = (...keys: readonly (keyof typeof cpu)[]): string =>
      formatRanges(cpus.filter((other) => keys.every((key) => other[key] === cpu[key])).map(({ id }) => id));
    const at = `sys/devices/system/cpu/cpu${cpu.id}`;
    files.push([`${at}/topology/physical_package_id`, `${cpu.package}`], [`${at}/topology/die_id`, `${cpu.die}`]);
    files.push([`${at}/topology/core_id`, `${cpu.core}`], [`${at}/topology/package_cpus_list`, like('package')]);
    files.push([`${at}/topology/die_cpus_list`, like('package', 'die')]);
    files.push([`${at}/topology/core_cpus_list`, like('package', 'die', 'core')]);
    files.push([`${at}/cache/index0/level`, '1'], [`${at}/cache/index0/shared_cpu_list`, `${cpu.id}`]);
    files.push([`${at}/cache/index3/level`, '3'], [`${at}/cache/index3/shared_cpu_list`, like('cache')]);
  }
  return Object.fromEntries(files);
}

/** What the kernel says of NUMA nodes, from a table: `cpulist | distances | MiB free`. */
function numaFiles(rows: readonly string[], pages: readonly number[] = []): Files {
  const files = rows.flatMap((row, id): [string, string][] => {
    const [cpus = '', distances = '', free = '0'] = row.split('|').map((part) => part.trim());
    const at = `sys/devices/system/node/node${id}`;
    const half = Number(free) * 512;
    const meminfo = `Node ${id} MemTotal: 99999999 kB\nNode ${id} MemFree:  ${half} kB\nNode ${id} Inactive(file): ${half} kB`;
    return [
      [`${at}/cpulist`, cpus],
      [`${at}/distance`, distances],
      [`${at}/meminfo`, meminfo],
      [`${at}/hugepages/hugepages-2048kB/free_hugepages`, `${pages[id] ?? 0}`],
    ];
  });
  return Object.fromEntries(files);
}

const mayUse = (cpus: string, nodes = '0'): Files => ({
  'proc/self/status': `Name:\tnode\nCpus_allowed:\tff\nCpus_allowed_list:\t${cpus}\nMems_allowed_list:\t${nodes}`,
  'proc/meminfo': 'MemTotal:  8388608 kB\nMemFree: 1 kB\nMemAvailable:  4194304 kB',
});

const small = cpuFiles('0 0 0 0 0\n1 0 0 1 0');

test('readNodeFacts() reads a node with two cores', () => {
  assert.deepEqual(factsOf(small, numaFiles(['0-1 | 10 | 2048']), mayUse('0-1')), {
    cpus: [
      { id: 0, package: 0, die: 0, core: 0, node: 0, cache: 0 },
      { id: 1, package: 0, die: 0, core: 1, node: 0, cache: 0 },
    ],
    allowed: [0, 1],
    isMachine: false,
    numa: [{ id: 0, free: 2 ** 31, distances: [10], hugePages: [{ size: 2 ** 21, free: 0 }] }],
    memoryNodes: [0],
    memory: { total: 8 * 2 ** 30 },
  });
});

test('readNodeFacts() reads two sockets with two NUMA nodes and two threads in a core, and huge pages', () => {
  const table = '0 0 0 0 0\n1 0 0 1 0\n2 1 0 0 1\n3 1 0 1 1\n4 0 0 0 0\n5 0 0 1 0\n6 1 0 0 1\n7 1 0 1 1';
  const numa = numaFiles(['0-1,4-5 | 10 21 | 1024', '2-3,6-7 | 21 10 | 512'], [3, 5]);
  const facts = factsOf(cpuFiles(table), numa, mayUse('2-3,6', '1'));
  const row = facts.cpus.map(({ id, package: p, core, node, cache }) => [id, p, core, node, cache].join(' '));
  assert.deepEqual(row, [
    '0 0 0 0 0',
    '1 0 1 0 0',
    '2 1 0 1 2',
    '3 1 1 1 2',
    '4 0 0 0 0',
    '5 0 1 0 0',
    '6 1 0 1 2',
    '7 1 1 1 2',
  ]);
  assert.deepEqual([facts.allowed, facts.memoryNodes], [[2, 3, 6], [1]]);
  assert.deepEqual(
    facts.numa.map(({ free, distances, hugePages }) => [free / 2 ** 20, distances, hugePages[0]?.free]),
    [
      [1024, [10, 21], 3],
      [512, [21, 10], 5],
    ],
  );
});

test('readNodeFacts() tells dies and caches of one package apart', () => {
  const rows = Array.from({ length: 16 }, (_, cpu) => `${cpu} 0 ${cpu >> 2} ${cpu & 3} ${cpu >> 1}`);
  const { cpus } = factsOf(cpuFiles(rows.join('\n')), numaFiles(['0-15 | 10 | 1']), mayUse('0-15'));
  assert.deepEqual(new Set(cpus.map(({ die }) => die)), new Set([0, 1, 2, 3]));
  assert.deepEqual(new Set(cpus.map(({ cache }) => cache)), new Set([0, 2, 4, 6, 8, 10, 12, 14]));
});

test('readNodeFacts() leaves out CPUs that are offline, also where the job may use them', () => {
  const facts = factsOf(cpuFiles('0 0 0 0 0\n2 0 0 2 0'), numaFiles(['0,2 | 10 | 1']), mayUse('0-3'));
  assert.deepEqual(
    [facts.cpus.map(({ id }) => id), facts.allowed],
    [
      [0, 2],
      [0, 2],
    ],
  );
});

test('readNodeFacts() keeps to the cpuset and the memory limit of a cgroup of version 1', () => {
  const facts = factsOf(small, numaFiles(['0-1 | 10 | 1']), mayUse('0-1'), {
    'proc/self/cgroup': '8:memory:/torque/42\n7:cpuset,cpu:/torque/42\n0::/',
    'sys/fs/cgroup/cpuset/torque/42/cpuset.cpus': '1',
    'sys/fs/cgroup/cpuset/torque/42/cpuset.mems': '0',
    'sys/fs/cgroup/memory/torque/42/memory.limit_in_bytes': '9223372036854771712',
    'sys/fs/cgroup/memory/torque/memory.limit_in_bytes': '1073741824',
  });
  assert.deepEqual([facts.allowed, facts.memory.limit], [[1], 2 ** 30]);
});

test('readNodeFacts() keeps to the cpuset and the least memory limit of a cgroup of version 2', () => {
  const job = 'sys/fs/cgroup/system.slice/slurmstepd.scope/job_7';
  const facts = factsOf(small, numaFiles(['0-1 | 10 | 1']), mayUse('0-1'), {
    'proc/self/cgroup': '0::/system.slice/slurmstepd.scope/job_7/step_0/user/task_0',
    [`${job}/step_0/user/task_0/memory.max`]: 'max',
    [`${job}/step_0/user/memory.max`]: '3221225472',
    [`${job}/memory.max`]: '2147483648',
    [`${job}/cpuset.cpus.effective`]: '0',
  });
  assert.deepEqual([facts.allowed, facts.memory.limit], [[0], 2 ** 31]);
});

test('readNodeFacts() takes pages off that are promised to others', () => {
  const facts = factsOf(small, numaFiles(['0-1 | 10 | 1'], [8]), mayUse('0-1'), {
    'sys/kernel/mm/hugepages/hugepages-2048kB/resv_hugepages': '3',
  });
  assert.deepEqual(facts.numa[0]?.hugePages, [{ size: 2 ** 21, free: 5 }]);
});

test('readNodeFacts() makes do with a kernel that tells neither topology nor NUMA', () => {
  const facts = factsOf(mayUse('0-2'));
  assert.deepEqual(
    facts.cpus.map(({ id, core, package: p }) => [id, core, p]),
    [
      [0, 0, 0],
      [1, 1, 0],
      [2, 2, 0],
    ],
  );
  assert.deepEqual([facts.allowed, facts.numa[0]?.free], [[0, 1, 2], 4 * 2 ** 30]);
});

test('readNodeFacts() tells a machine from a container by its host name', () => {
  const root = mkdtempSync(join(tmpdir(), 'vtt-facts-'));
  try {
    mkdirSync(join(root, 'proc/self/ns'), { recursive: true });
    symlinkSync('uts:[4026531838]', join(root, 'proc/self/ns/uts'));
    assert.equal(readNodeFacts(root).isMachine, true);
  } finally {
    rmSync(root, { recursive: true });
  }
  assert.equal(factsOf(small).isMachine, false);
});

test('readNodeFacts() finds on this machine what this process may use', () => {
  const facts = readNodeFacts();
  assert.ok(facts.allowed.length > 0 && facts.memory.total > 0 && facts.memoryNodes.length > 0);
  assert.ok(facts.cpus.every(({ node }) => facts.numa.some(({ id }) => id === node)));
});

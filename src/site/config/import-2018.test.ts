import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { importConfig2018 } from './import-2018.ts';
import { configKey, configNames } from './keys.ts';
import { defaultsOf2018, goneKeys, laterKeys } from './later-keys.ts';
import { readConfig } from './read.ts';
import { readAssignments } from './shell-assignments.ts';
import { parseToml } from './toml.ts';

// The keys of the 2018 file, from its inventory.
const of2018 =
  `DISABLED_HOSTS_LIST REGEX_FE TORQUE_HOME PBS_QSUB_ON_FE PBS_QSUB_ON_NODES VM_IMG_DIR SUSPENDED_IMAGE_DIR WS_DIR
RAMDISK_DIR VM_NFS_HOME VM_NFS_WS VM_NFS_OPT ARP_BIN MAC_PREFIX HOST_OS_CORE_COUNT HOST_OS_RAM_MB PBS_EXCLUSIVE_NODE_ALLOC
KILL_USER_PROCESSES_AFTER_JOB MEASURE_TIME SSH_TIMEOUT TIMEOUT PROLOGUE_TIMEOUT NFS_TIMEOUT CUSTOM_IP_MAPPING IP_TO_MAC_SCRIPT
NAME_SERVER DOMAIN SEARCH_DOMAIN NTP_SERVER_1 NTP_SERVER_2 SW_PACKAGES_DEBIAN SW_PACKAGES_REDHAT FILESYSTEM_TYPE_DEFAULT IMG_DEFAULT
DISTRO_DEFAULT ARCH_DEFAULT VCPUS_DEFAULT VCPU_PINNING_DEFAULT RAM_DEFAULT VMS_PER_NODE_DEFAULT DISK_DEFAULT VRDMA_ENABLED_DEFAULT
UNCLOT_ENABLED_DEFAULT IOCM_ENABLED_DEFAULT UNCLOT_SHMEM_DEFAULT IOCM_MIN_CORES_DEFAULT IOCM_MAX_CORES_DEFAULT ENABLE_DEV_MODE PARALLEL
ALLOW_USER_IMAGES ABORT_ON_ERROR DEBUG_DEFAULT TRACE_DEFAULT SHOW_LOG_DEFAULT PRINT_TO_STDOUT LOG_ROTATE LOG_FILE IOCM_ENABLED
IOCM_MIN_CORES IOCM_MAX_CORES IOCM_NODES VRDMA_NODES VRDMA_ENABLED UNCLOT_ENABLED`.split(/\s+/);

test('every key of 2018 has a successor, or a reason why it needs none', () => {
  const successors = [
    ...configNames.flatMap((name) => configKey(name).was),
    ...Object.values(laterKeys).flatMap(({ was }) => was),
    ...Object.keys(defaultsOf2018),
    ...Object.keys(goneKeys),
  ];
  assert.deepEqual(
    of2018.filter((key) => !successors.includes(key)),
    [],
  );
});

const script = `#!/bin/bash
# site
DISABLED_HOSTS_LIST="mgmt.*|login9";
HOST_OS_CORE_COUNT=1;
HOST_OS_RAM_MB="2048"
PBS_EXCLUSIVE_NODE_ALLOC=true
ALLOW_USER_IMAGES=false # no
BASE=/opt
VM_IMG_DIR="$BASE/vm-images"
NAME_SERVER="10.0.0.1 10.0.0.2"
DOMAIN='my-domain.com'
SEARCH_DOMAIN="my-domain.com sub.my-domain.com"
TIMEOUT=120
IMG_DEFAULT="ubuntu.x86_64.img"
RAM_DEFAULT=24576
VCPUS_DEFAULT="7"
VCPU_PINNING_DEFAULT=true
DISK_DEFAULT=""
UNCLOT_SHMEM_DEFAULT="1024M"
SW_PACKAGES_DEBIAN=("nfs-common" "libnfs1"
  openmpi-bin) # more
IOCM_NODES="*"
PARALLEL=true
NTP_SERVER_1=$(hostname)
MY_OWN=3
`;

test('config.sh becomes a file that the check accepts, and what it cannot become is said', async () => {
  const { toml, notes } = importConfig2018(script, 'config.sh');
  const read = readConfig(await parseToml(toml, 'new'));
  assert.deepEqual(
    read.problems.filter(({ severity }) => severity === 'error'),
    [],
  );
  const values = Object.fromEntries(read.entries.map(({ name, value }) => [name, value]));
  assert.deepEqual(values, {
    'submit.disabled_hosts': ['mgmt*', 'login9'],
    'submit.host_cores': 1,
    'submit.host_ram': 2 ** 31,
    'submit.node_access': 'uniqueuser',
    'policy.user_images': false,
    'network.name_servers': ['10.0.0.1', '10.0.0.2'],
    'network.search': ['my-domain.com', 'sub.my-domain.com'],
    'timeouts.guest': 120,
  });
  assert.deepEqual(
    read.defaults.map(({ key, text }) => [key, text]),
    [
      ['img', 'ubuntu.x86_64.img'],
      ['ram', '24576M'],
      ['vcpus', '7'],
      ['vcpu_pinning', 'true'],
    ],
  );
  assert.match(toml, /\npool = "\/opt\/vm-images"\n/);
  assert.match(toml, /\npackages_debian = \["nfs-common", "libnfs1", "openmpi-bin"\]\n/);
  const noted = Object.fromEntries(notes.map(({ key, note }) => [key, note]));
  assert.match(noted.PARALLEL ?? '', /^no longer needed/);
  assert.match(noted.NTP_SERVER_1 ?? '', /^only a shell/);
  assert.match(noted.MY_OWN ?? '', /^not a key of 2018/);
  assert.match(noted.VM_IMG_DIR ?? '', /without effect/);
  assert.equal(notes.find(({ key }) => key === 'MY_OWN')?.line, 25);
});

test('assignments are read as a shell would, without running one', () => {
  const read = (text: string) => readAssignments(text).map(({ name, words }) => [name, words]);
  assert.deepEqual(read(`A=x B=y`), [['A', ['x']]]);
  assert.deepEqual(read(`A='a b'"c d"e\\ f`), [['A', ['a bc de f']]]);
  assert.deepEqual(read(`export A="x"\nB="\${A}/$A"`), [
    ['A', ['x']],
    ['B', ['x/x']],
  ]);
  assert.deepEqual(read('A="a \\"b\\" \\$c"'), [['A', ['a "b" $c']]]);
  // biome-ignore lint/suspicious/noTemplateCurlyInString: shell, not a template
  for (const dynamic of ['`id`', '$(id)', '"$(id)"', '${B:-x}', '"${B:-x}"', '$((1+1))', '$UNKNOWN'])
    assert.deepEqual(read(`A=${dynamic}`), [['A', undefined]], dynamic);
  assert.deepEqual(read('# A=1\necho A=2\nA+=3'), []);
});

test('a variable that is called like something of JavaScript is none of 2018', () => {
  const { notes } = importConfig2018('constructor=1\ntoString=2\n', 'x');
  assert.deepEqual(
    notes.map(({ note }) => note),
    Array(2).fill('not a key of 2018 that is known: left out'),
  );
});

test('any text is read', () => {
  const piece = fc.constantFrom('A=', 'X', '"', "'", '(', ')', '$', '{', '}', '\\', '\n', ' ', '`', '#', ';', '=');
  fc.assert(
    fc.property(fc.string({ unit: piece, maxLength: 40 }), (text) => importConfig2018(text, 'x').toml.startsWith('#')),
    { numRuns: 5000 },
  );
});

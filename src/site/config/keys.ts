import { isIP } from 'node:net';
import { hookKeys } from './hook-keys.ts';
import { type ConfigKey, key } from './key.ts';
import { networkKeys } from './network-keys.ts';
import { storageKeys } from './storage-keys.ts';
import { bytes, choice, duration, list, lists, text, whole, yesOrNo } from './types.ts';

/** Every key that has an effect. A reader asks for it by name, so that a key that nobody reads is easily found. */
export const configKeys = {
  'engine.name': key(
    choice('auto', 'embedded', 'torque', 'openpbs', 'slurm'),
    'auto',
    'site',
    'The batch system below vTorque. auto: the one whose qsub comes first on PATH, else the embedded one, else Slurm.',
  ),
  'submit.disabled_hosts': key(
    list('patterns of host names'),
    [],
    'site',
    'Hosts on which vsub takes no jobs for VMs.',
    ['DISABLED_HOSTS_LIST'],
  ),
  'submit.default_queue': key(
    text,
    '',
    'site',
    "The queue of jobs that name none, for the choice of a queue's defaults and limits. Empty: no queue's.",
  ),
  'submit.host_cores': key(
    whole('cores'),
    0,
    'queue',
    "Slots that a job must have besides its virtual CPUs, for the node's own work.",
    ['HOST_OS_CORE_COUNT'],
  ),
  'submit.host_ram': key(
    bytes,
    0,
    'queue',
    "Memory that a job must have besides its VM's, where it asks for memory (-l mem=).",
    ['HOST_OS_RAM_MB'],
  ),
  'submit.undersized': key(
    choice('refuse', 'raise'),
    'refuse',
    'queue',
    'What vsub does with a job whose ppn or mem is less than its VM needs: refuse it, or ask for as much as is needed.',
  ),
  'submit.node_access': key(
    text,
    '',
    'queue',
    'Value of -l naccesspolicy= for jobs in VMs that have none, for instance "singlejob". Empty: none.',
    ['PBS_EXCLUSIVE_NODE_ALLOC'],
  ),
  'policy.images': key(list('patterns of image names'), ['*'], 'queue', 'Images that may be used; host is one, too.'),
  'policy.restricted': key(
    lists('pattern of image names', 'users and @groups'),
    {},
    'queue',
    'Images that only these may use. Of several patterns that fit each must allow it.',
  ),
  'policy.user_images': key(yesOrNo, true, 'queue', "Whether images of a user's own pool may be used.", [
    'ALLOW_USER_IMAGES',
  ]),
  'policy.user_kernels': key(yesOrNo, true, 'queue', "Whether kernel= may be used: a kernel of a user's own."),
  'policy.max_vcpus': key(whole('virtual CPUs'), 0, 'queue', 'Most virtual CPUs of a VM. 0: no limit but the nodes.'),
  'policy.max_ram': key(bytes, 0, 'queue', 'Most memory of a VM. 0: no limit but the nodes.'),
  'policy.mounts': key(
    list('patterns of paths'),
    ['*'],
    'queue',
    'Folders of the node that mount= may bring into a guest. An empty list: none.',
  ),
  'policy.networks': key(
    list('networks of net=', (word) => ['user', 'job', 'none', 'bridge'].includes(word)),
    ['user', 'job', 'none'],
    'queue',
    'Networks that may be asked for.',
  ),
  'vm.accelerator': key(
    choice('auto', 'kvm', 'tcg'),
    'auto',
    'node',
    'auto: KVM where a guest boots with it, else the translator. kvm: without a trial. tcg: the translator.',
  ),
  'placement.smt': key(
    choice('auto', 'cores', 'threads'),
    'auto',
    'node',
    'What a virtual CPU that is pinned gets. cores: a core. threads: a hardware thread. auto: a core where there are enough, else a thread.',
  ),
  'placement.host_cores': key(
    whole('cores'),
    0,
    'node',
    'Cores of a node that are kept for its own work: no VM is pinned to these, which are those with the lowest numbers.',
  ),
  'placement.host_ram': key(
    bytes,
    0,
    'node',
    'Memory of a node that is kept for its own work: VMs together may have the rest.',
  ),
  'vm.warm': key(
    choice('auto', 'beside', 'off'),
    'auto',
    'node',
    'auto: guests start as clones of a template, which the first one makes before it starts. beside: the first one boots, and the template is made beside it with what the processors have left. off: every guest boots.',
  ),
  'vm.templates': key(bytes, 4 * 1024 ** 3, 'node', "Space that a user's templates may take, in his cache directory."),
  ...storageKeys,
  'network.name_servers': key(
    list('addresses', (word) => isIP(word) !== 0),
    [],
    'node',
    "Name servers of guests. Empty: the node's, through QEMU.",
    ['NAME_SERVER'],
  ),
  'network.search': key(
    list('domains', (word) => /^[\w.-]+$/.test(word)),
    [],
    'node',
    "Search list of guests. Empty: the node's.",
    ['SEARCH_DOMAIN', 'DOMAIN'],
  ),
  ...networkKeys,
  'timeouts.guest': key(
    duration,
    0,
    'node',
    'From the start of a VM until its guest must answer. 0: as long as its kind of guest needs at most.',
    ['TIMEOUT'],
  ),
  ...hookKeys,
} as const;

export type { ConfigKey, Scope } from './key.ts';

export type ConfigName = keyof typeof configKeys;
export type ConfigValue<N extends ConfigName> = (typeof configKeys)[N] extends ConfigKey<infer T> ? T : never;

export const configNames = Object.keys(configKeys) as ConfigName[];

export function isConfigName(name: string): name is ConfigName {
  return Object.hasOwn(configKeys, name);
}

/** The key by its name, with its value's type forgotten: for code that goes through all. */
export function configKey(name: ConfigName): ConfigKey<unknown> {
  return configKeys[name] as ConfigKey<unknown>;
}

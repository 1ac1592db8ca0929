import { key } from './key.ts';
import { absolutePath, bytes, choice } from './types.ts';

const words = choice('auto', '9p');

/** What guests could mount themselves is refused with the reason: sites had it in 2018. */
const transport: typeof words = {
  ...words,
  read(value) {
    if (value !== 'nfs') return words.read(value);
    throw new Error(
      'guests mount no NFS themselves, since their root could be any user there; have the nodes mount it, and name the directory (storage.workspace, storage.opt)',
    );
  },
};

/** Keys of what guests have of the nodes' storage. */
export const storageKeys = {
  'storage.transport': key(
    transport,
    'auto',
    'node',
    'How guests reach shared folders. auto: virtiofs where it can run, else 9p. 9p: always 9p.',
  ),
  'storage.workspace': key(
    absolutePath,
    '',
    'node',
    'Directory of the nodes that every guest has as /workspace, with the rights of the user. Empty: none.',
    ['VM_NFS_WS'],
  ),
  'storage.opt': key(
    absolutePath,
    '',
    'node',
    "Directory of the nodes with the cluster's software, which every guest has as /opt-hpc, read-only. Empty: none.",
    ['VM_NFS_OPT'],
  ),
  'storage.opt_at_opt': key(
    choice('auto', 'always', 'never'),
    'auto',
    'node',
    "Whether images have it as /opt, too. auto: where the image's own is empty. With img=host /opt is the node's.",
  ),
  'storage.scratch': key(
    absolutePath,
    '',
    'node',
    'Directory of the nodes for what VMs change of their images, and for scratch disks. Empty: TMPDIR of the job.',
  ),
  'storage.ramdisk': key(
    bytes,
    1024 ** 3,
    'site',
    'Memory that the changes of a VM to its image may take with fs_type=ramdisk, besides its ram.',
  ),
} as const;

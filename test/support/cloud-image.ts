import { chmod, mkdtemp, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findPrivileges } from '../../src/image/builder/privileges.ts';
import { sourceLines } from '../../src/image/builder/sources.ts';
import { debian12 } from '../../src/image/recipes/debian-12.ts';
import { run } from '../../src/image/run.ts';

const SECTOR = 512;
const MiB = 1024 ** 2;
const diskBytes = 3 * 1024 * MiB;
/** Where partitions begin by habit; GRUB's core lies before it. */
const partitionAt = MiB;
const installMs = 900_000;
const stepMs = 300_000;

/** What a vendor of cloud images puts into one; none of it knows of this project. */
const packages = [
  ...['busybox', 'ca-certificates', 'cloud-init', 'dbus', 'e2fsprogs', 'grub-common', 'grub-pc-bin', 'ifupdown'],
  ...['initramfs-tools', 'iproute2', 'isc-dhcp-client', 'kmod', 'linux-image-cloud-amd64', 'netbase', 'procps'],
  ...['python3-minimal', 'sudo', 'systemd', 'systemd-sysv', 'udev', 'zstd'],
];
const grubModules = ['biosdisk', 'part_msdos', 'ext2', 'normal', 'linux', 'configfile', 'serial', 'terminal', 'boot'];
const grubConfig = `set timeout=0
serial --unit=0 --speed=115200
terminal_output serial
menuentry Debian {
  linux /vmlinuz root=LABEL=root ro console=ttyS0 quiet
  initrd /initrd.img
}
`;

/** The file of a cloud image. Disposing of it removes it. */
export interface CloudImage extends AsyncDisposable {
  readonly path: string;
}

/**
 * Make a cloud image as a vendor would: Debian with systemd, cloud-init and GRUB on a disk with a partition table. Needs root and takes two
 * minutes; no loop device, no mount of this machine.
 */
export async function makeCloudImage(): Promise<CloudImage> {
  const work = await mkdtemp('/var/tmp/vtt-cloud-');
  try {
    const privileges = await findPrivileges(0);
    const sources = await sourceLines(debian12, { note: () => {} });
    const [archive, config, fstab] = ['root.tar', 'grub.cfg', 'fstab'].map((name) => join(work, name)) as [
      string,
      string,
      string,
    ];
    await writeFile(config, grubConfig);
    await writeFile(fstab, 'LABEL=root / ext4 errors=remount-ro 0 1\n');
    const core = `grub-mkimage -O i386-pc -p "(hd0,msdos1)/boot/grub" -o /boot/grub/core.img ${grubModules.join(' ')}`;
    await run(
      privileges.enclose([
        ...(['mmdebstrap', `--mode=${privileges.mode}`, '--variant=minbase', '--format=tar'] as const),
        ...['--skip=chroot/mount/sys', '--aptopt=APT::Install-Recommends "false"'],
        ...debian12.leaveOut.filter((path) => path.startsWith('/')).map((path) => `--dpkgopt=path-exclude=${path}`),
        `--include=${packages.join(',')}`,
        `--customize-hook=upload ${fstab} /etc/fstab`,
        '--customize-hook=mkdir -p "$1/boot/grub"',
        `--customize-hook=upload ${config} /boot/grub/grub.cfg`,
        `--customize-hook=chroot "$1" ${core}`,
        '--customize-hook=: > "$1/etc/machine-id"',
        ...['bookworm', archive, ...sources],
      ]),
      { withinMs: installMs, env: { TMPDIR: work } },
    );
    const path = await makeDisk(archive, work, (argv) => run(privileges.command(argv, work), { withinMs: stepMs }));
    // The image is everybody's to read, as a downloaded one.
    await chmod(work, 0o711);
    await chmod(path, 0o644);
    return { path, [Symbol.asyncDispose]: () => rm(work, { recursive: true, force: true }) };
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    throw error;
  }
}

async function makeDisk(
  archive: string,
  work: string,
  step: (argv: [string, ...string[]]) => Promise<unknown>,
): Promise<string> {
  const [tree, raw, disk] = [join(work, 'tree'), join(work, 'disk.raw'), join(work, 'cloud.qcow2')];
  await step(['mkdir', tree]);
  await step([
    'tar',
    '-C',
    tree,
    '--numeric-owner',
    '--xattrs',
    '--xattrs-include=*',
    '--exclude=./dev/*',
    '-xf',
    archive,
  ]);
  const boot = await readFile(join(tree, 'usr/lib/grub/i386-pc/boot.img'));
  const core = await readFile(join(tree, 'boot/grub/core.img'));
  await writeFile(raw, '');
  await truncate(raw, diskBytes);
  const blocks = `${(diskBytes - partitionAt) / 1024}k`;
  const later = `lazy_itable_init=0,lazy_journal_init=0,offset=${partitionAt}`;
  await step(['mkfs.ext4', '-q', '-F', '-L', 'root', '-E', later, '-d', tree, raw, blocks]);
  await step(['rm', '-rf', tree, archive]);
  await using handle = await open(raw, 'r+');
  await handle.write(masterBootRecord(boot), 0, SECTOR, 0);
  // GRUB's first sector looks for the rest in the sector behind it unless it is told otherwise, and so does that for its own rest.
  await handle.write(core, 0, core.length, SECTOR);
  await run(['qemu-img', 'convert', '-f', 'raw', '-O', 'qcow2', raw, disk], { withinMs: stepMs });
  await rm(raw);
  return disk;
}

/** GRUB's boot sector with a table of one partition. */
function masterBootRecord(boot: Buffer): Buffer {
  const sector = Buffer.alloc(SECTOR);
  boot.copy(sector, 0, 0, 440);
  sector.writeUInt32LE(0x76_54_72_71, 440);
  // Active, no cylinders, Linux.
  sector.set([0x80, 0xfe, 0xff, 0xff, 0x83, 0xfe, 0xff, 0xff], 446);
  sector.writeUInt32LE(partitionAt / SECTOR, 454);
  sector.writeUInt32LE((diskBytes - partitionAt) / SECTOR, 458);
  sector.set([0x55, 0xaa], 510);
  return sector;
}

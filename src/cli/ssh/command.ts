import { Command, Option } from 'commander';
import { VtorqueError } from '../../base/index.ts';
import { greetingLine } from '../../job/console/greeting.ts';
import { knock } from '../console/knock.ts';
import { askLogin } from './login.ts';
import { runClient } from './run.ts';

interface SshOptions {
  readonly rank?: string;
  readonly tty?: true;
  readonly stdio?: true;
  readonly wait?: true;
  readonly forward?: readonly string[];
  readonly x11?: true;
  readonly option?: readonly string[];
}

/** `vtorque ssh JOB`. */
export function sshCommand(): Command {
  return new Command('ssh')
    .description('log in to a VM of your running job, or run something')
    .argument('<job>', 'JOB or JOB/RANK, as qstat shows it')
    .argument('[command...]', 'a command line for the shell there')
    .passThroughOptions()
    .option('--rank <number>', 'the VM, where JOB cannot say it')
    .option('-t, --tty', 'a terminal for the command, too')
    .option('-N, --wait', 'no command: only what is forwarded')
    .option('-L, --forward <spec>', 'a port here leads to one there: PORT:HOST:PORT; repeatable', collect)
    .option('-Y, --x11', 'forward X11')
    .option('-o, --option <setting>', 'a setting of ssh, as in ssh_config; repeatable', collect)
    .addOption(new Option('--stdio', 'carry the connection of an ssh client').hideHelp())
    .action(async (job: string, command: readonly string[], options: SshOptions) => {
      const wanted = options.rank === undefined ? job : `${job}/${options.rank}`;
      process.exitCode = await (options.stdio === true ? carry(wanted) : logIn(wanted, command, options));
    });
}

/** `vtorque scp`. */
export function scpCommand(): Command {
  return new Command('scp')
    .description('copy files between here and a VM of your running job')
    .argument('<path...>', 'sources and a target; JOB:PATH or JOB/RANK:PATH is in the VM')
    .option('-r, --recursive', 'whole directories')
    .option('-p, --preserve', 'keep times and modes')
    .option('-q, --quiet', 'no progress')
    .action(async (paths: readonly string[], options: { recursive?: true; preserve?: true; quiet?: true }) => {
      const { recursive, preserve, quiet } = options;
      const flags = [recursive && '-r', preserve && '-p', quiet && '-q'].filter((flag) => typeof flag === 'string');
      process.exitCode = await copy(paths, flags);
    });
}

function collect(value: string, before: readonly string[] = []): string[] {
  return [...before, value];
}

const action = 'log in to' as const;

async function logIn(wanted: string, command: readonly string[], options: SshOptions): Promise<number> {
  using login = await askLogin(wanted, { action, command: (job) => `vtorque ssh ${job}` });
  const { tty, wait, x11, forward = [], option = [] } = options;
  // Awaited, since the files of the login are needed until then.
  return await runClient('ssh', [
    // The first setting of a name counts, and where a VM is and who it is are not the user's to say.
    ...login.options,
    ...option.flatMap((setting) => ['-o', setting]),
    ...forward.flatMap((spec) => ['-L', spec]),
    ...(tty === true ? ['-t'] : []),
    ...(wait === true ? ['-N'] : []),
    ...(x11 === true ? ['-Y'] : []),
    ...['--', login.host, ...command],
  ]);
}

const remote = /^([\w.[\]-]+(?:\/\d+)?):(.*)$/s;

async function copy(paths: readonly string[], flags: readonly string[]): Promise<number> {
  const jobs = new Set(paths.flatMap((path) => remote.exec(path)?.[1] ?? []));
  const [job, ...more] = jobs;
  if (job === undefined || more.length > 0 || paths.length < 2) {
    const state =
      paths.length < 2 ? 'no target' : job === undefined ? 'no path of them is in a VM' : 'they are in several VMs';
    throw new VtorqueError('E_USAGE', `Cannot copy "${paths.join('" "')}": ${state}`, {
      hint: 'Write vtorque scp FILE... JOB/RANK:PATH, or vtorque scp JOB/RANK:PATH... TARGET',
      phase: 'check',
      exitCode: 2,
    });
  }
  using login = await askLogin(job, { action, command: () => 'vtorque scp ...' });
  const operands = paths.map((path) => path.replace(remote, (_, __, file: string) => `${login.host}:${file}`));
  return await runClient('scp', [...login.options, ...flags, '--', ...operands]);
}

/** Be what a client of ssh has for a connection. */
async function carry(wanted: string): Promise<number> {
  const { socket, rank } = await knock(wanted, { action, command: (job) => `vtorque ssh ${job}` });
  socket.write(greetingLine({ version: 1, terminalType: 'dumb', wish: 'ssh', rank }));
  // Either side may break off at any time, and that is all there is to it.
  for (const stream of [socket, process.stdin, process.stdout]) stream.on('error', () => socket.destroy());
  process.stdin.pipe(socket);
  socket.pipe(process.stdout);
  await new Promise((resolve) => socket.once('close', resolve));
  process.stdin.destroy();
  return 0;
}

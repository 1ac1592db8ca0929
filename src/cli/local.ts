import { Command, InvalidArgumentError } from 'commander';
import { plural, shellWord } from '../base/index.ts';
import {
  type InfoReply,
  instanceInfo,
  meaning,
  meantInstance,
  type NodeNames,
  readNodeNames,
  startInstance,
  stopInstance,
} from '../engine/embedded/index.ts';
import { publicRoot } from '../site/public-root.ts';
import { count } from './option-values.ts';
import { table } from './table.ts';
import { vtorqueVersion } from './version.ts';

/** `vtorque local start|stop|status|env`. */
export function localCommand(): Command {
  const local = new Command('local').description('the embedded batch system: one machine, the commands of Torque');
  const dir = ['--dir <directory>', 'the instance in this directory, not the usual one'] as const;
  local
    .command('start')
    .description('start the embedded batch system; jobs of an earlier one go on')
    .option(
      '--nodes <nodes>',
      'how many virtual nodes, or their names with commas between (default: as before, else 1)',
      nodeNames,
    )
    .option('--np <n>', 'slots of each node (default: as before, else one per processor)', count)
    .option('--keep-completed <seconds>', 'how long qstat shows complete jobs (default: as before, else 3600)', seconds)
    .option(...dir)
    .option('--json', 'print the state as JSON')
    .action(start);
  local
    .command('stop')
    .description('stop the embedded batch system; running jobs go on')
    .option('--kill-jobs', 'end the running jobs first')
    .option(...dir)
    .action(stop);
  local
    .command('status')
    .description('show its nodes and jobs; exit code 1 when it does not run')
    .option(...dir)
    .option('--json', 'print the state as JSON')
    .action(status);
  local
    .command('env')
    .description('print the commands by which a shell finds its programs and manual pages')
    .option(...dir)
    .action(env);
  return local;
}

interface Where {
  readonly dir?: string;
}
interface StartFlags extends Where {
  readonly nodes?: NodeNames;
  readonly np?: number;
  readonly keepCompleted?: number;
  readonly json?: true;
}

function nodeNames(text: string): NodeNames {
  const nodes = readNodeNames(text);
  if (nodes === undefined) {
    throw new InvalidArgumentError(
      'It is a number from 1 to 9999, or names such as n1.cluster.example,n2.cluster.example.',
    );
  }
  return nodes;
}

function seconds(text: string): number {
  if (!/^\d{1,8}$/.test(text)) throw new InvalidArgumentError('It is a number of seconds.');
  return Number(text);
}

async function start({ dir, nodes, np, keepCompleted, json }: StartFlags): Promise<void> {
  const uid = process.getuid?.() ?? 0;
  const version = vtorqueVersion().replace(/^vtorque /, '');
  const options = { env: process.env, uid, version, dir, nodes, np, keepCompletedS: keepCompleted };
  const { started, info } = await startInstance(options);
  if (json) print(JSON.stringify({ running: true, started, ...info }, null, 2));
  else if (started) print(`The embedded batch system runs: ${summary(info)}`, usage(dir));
  else
    print(
      `The embedded batch system runs already: ${summary(info)}`,
      ...others(nodes ?? np ?? keepCompleted),
      usage(dir),
    );
}

function others(asked: unknown): string[] {
  return asked === undefined
    ? []
    : ['It goes on as it was started; for what is asked for here, run first: vtorque local stop'];
}

function summary({ nodes, dir }: InfoReply): string {
  return `${plural(nodes.length, 'node')} with ${plural(nodes[0]?.np ?? 0, 'slot')}, in ${dir}`;
}

function usage(dir: string | undefined): string {
  return `Its commands come on PATH by: eval "$(vtorque local env${dir === undefined ? '' : ` --dir ${shellWord(dir)}`})"`;
}

async function stop({ dir, killJobs }: Where & { killJobs?: true }): Promise<void> {
  const info = await stopInstance(meaning(process.env, dir), killJobs ?? false);
  if (info === undefined) print('The embedded batch system does not run');
  else if (info.jobs.R > 0 && !killJobs)
    print(`Stopped. Going on: ${plural(info.jobs.R, 'job')}, which the next start takes up`);
  else print('Stopped');
}

async function status({ dir, json }: Where & { json?: true }): Promise<void> {
  const info = await instanceInfo(meaning(process.env, dir));
  if (info === undefined) process.exitCode = 1;
  if (json) print(JSON.stringify(info === undefined ? { running: false } : { running: true, ...info }, null, 2));
  else if (info === undefined) print('The embedded batch system does not run. Start it: vtorque local start');
  else {
    const { Q, H, R, C } = info.jobs;
    print(`server ${info.server}, pid ${info.pid}, since ${new Date(info.since).toLocaleString('sv')}, in ${info.dir}`);
    print(`jobs: ${R} running, ${Q} queued, ${H} held, ${C} complete (kept for ${info.keepCompleted} s)`);
    process.stdout.write(table([['NODE', 'SLOTS'], ...info.nodes.map(({ name, np }) => [name, String(np)])]));
  }
}

async function env({ dir }: Where): Promise<void> {
  const root = await publicRoot();
  const instance = await meantInstance(meaning(process.env, dir), process.getuid?.() ?? 0);
  print(
    `export PATH=${shellWord(`${root}/bin:${root}/libexec/pbs`)}:"$PATH"`,
    // The colon at the end stands for the usual places.
    `export MANPATH=${shellWord(`${root}/man`)}:"\${MANPATH-}"`,
    `export VTORQUE_LOCAL=${shellWord(instance)}`,
    // Other shells skip it, and so does bash where nobody types.
    `case "\${BASH_VERSION:+$-}" in *i*) . ${shellWord(`${root}/completions/vtorque.bash`)} ;; esac`,
  );
}

function print(...lines: readonly string[]): void {
  for (const line of lines) process.stdout.write(`${line}\n`);
}

import { Command } from 'commander';
import { VtorqueError } from '../base/index.ts';
import { list } from './image/list.ts';
import { add, describe, type OutputFlags, remove } from './image/pool.ts';
import { runProgram } from './run-program.ts';
import { vtorqueVersion } from './version.ts';
import { type ConfigFlags, showImage, showPlacesAndConfig, showSuspended } from './vmgr-show.ts';

const asJson = ['--json', 'print it as JSON'] as const;

/**
 * The command `vmgr`: images, configuration, suspended jobs.
 * @returns its exit code: 0 done, 1 refused or failed, 2 wrong usage
 */
export function runVmgr(args: readonly string[]): Promise<number> {
  return runProgram(vmgrProgram(), args);
}

/** Its subcommands and their options: for running, for the manual page and for completion. */
export function vmgrProgram(): Command {
  const program = new Command('vmgr')
    .description('Manage the images that guests boot. They are made with vtorque image build.')
    .version(vtorqueVersion(), '-V, --version', 'print the version')
    .addCommand(showCommand())
    .addCommand(deleteCommand());
  program
    .command('add')
    .description('add a disk that boots by itself and has cloud-init')
    .argument('<file>', 'the disk: raw, qcow2, vmdk, vdi or vhdx')
    .argument('[description...]', 'what the lists say of it')
    .option('--name <name>', 'what img= will name; the name of the file unless given')
    .option('--min-ram <size>', 'memory that its guests must have, for instance 1G')
    .option(...asJson)
    .action(
      (file: string, description: string[], { name, ...options }: OutputFlags & { name?: string; minRam?: string }) =>
        add(file, name, { ...options, description: description.join(' ') }),
    );
  program
    .command('update')
    .description('give an image another description')
    .argument('<image>', 'what img= names')
    .argument('<description...>', 'what the lists will say of it')
    .option(...asJson)
    .action((name: string, description: string[], options: OutputFlags) =>
      describe(name, description.join(' '), options),
    );
  return program;
}

function showCommand(): Command {
  const show = new Command('show').description('show images, configuration, suspended jobs');
  show
    .command('config')
    .description('where things are, and how this site is set up')
    .option(...asJson)
    .option('--queue <queue>', 'as it holds for jobs of this queue')
    .option('--node <node>', 'as it holds on this node')
    .action((options: ConfigFlags) => showPlacesAndConfig(options));
  show
    .command('images')
    .description('what img= may name here')
    .option(...asJson)
    .action((options: OutputFlags) => list(options));
  show
    .command('image')
    .description('all that is known of one image')
    .argument('<image>', 'what img= names')
    .option(...asJson)
    .action((name: string, options: OutputFlags) => showImage(name, options));
  show
    .command('suspended')
    .description('suspended jobs')
    .option('--job <job>', 'of this job')
    .option('--user <user>', 'of this user')
    .option(...asJson)
    .action((options: OutputFlags) => showSuspended(options));
  return show;
}

function deleteCommand(): Command {
  const deletion = new Command('delete').description('delete an image or a suspended job');
  deletion
    .command('image')
    .description('remove an image that no running job uses')
    .argument('<image>', 'what img= names')
    .option('--force', 'even if a running job uses it')
    .option(...asJson)
    .action((name: string, options: OutputFlags & { force?: true }) => remove(name, options));
  deletion
    .command('suspended')
    .description('remove what is kept of a suspended job')
    .argument('<name>', 'as vmgr show suspended prints it')
    .option(...asJson)
    .action((name: string) => {
      throw new VtorqueError('E_SUSPENDED_UNKNOWN', `Cannot delete "${name}": there are no suspended jobs`, {
        hint: 'This version cannot suspend jobs yet',
      });
    });
  return deletion;
}

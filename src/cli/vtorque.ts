import { Command } from 'commander';
import { configCommand } from './config.ts';
import { consoleCommand } from './console/command.ts';
import { doctorCommand } from './doctor.ts';
import { hookCommand } from './hook/command.ts';
import { imageCommand } from './image.ts';
import { installCommand, uninstallCommand } from './install.ts';
import { jobsCommand } from './jobs.ts';
import { localCommand } from './local.ts';
import { reapCommand } from './reap.ts';
import { runProgram } from './run-program.ts';
import { scpCommand, sshCommand } from './ssh/command.ts';
import { vtorqueVersion } from './version.ts';

/**
 * The command `vtorque`.
 * @returns its exit code: 0 done, 1 refused or failed, 2 wrong usage
 */
export function runVtorque(args: readonly string[]): Promise<number> {
  return runProgram(vtorqueProgram(), args);
}

/** Its subcommands and their options: for running, for the manual page and for completion. */
export function vtorqueProgram(): Command {
  return new Command('vtorque')
    .description('Run batch jobs inside virtual machines. Jobs are submitted with vsub.')
    .enablePositionalOptions()
    .version(vtorqueVersion(), '-V, --version', 'print the version')
    .addCommand(localCommand())
    .addCommand(imageCommand())
    .addCommand(jobsCommand())
    .addCommand(consoleCommand())
    .addCommand(sshCommand())
    .addCommand(scpCommand())
    .addCommand(configCommand())
    .addCommand(doctorCommand())
    .addCommand(installCommand())
    .addCommand(uninstallCommand())
    .addCommand(reapCommand())
    .addCommand(hookCommand());
}

import { Command, CommanderError } from 'commander';
import { imageCommand } from './image.ts';
import { localCommand } from './local.ts';
import { renderError, wantsColor } from './render-error.ts';
import { vtorqueVersion } from './version.ts';

/**
 * The command `vtorque`.
 * @returns its exit code: 0 done, 1 refused or failed, 2 wrong usage
 */
export async function runVtorque(args: readonly string[]): Promise<number> {
  const program = new Command('vtorque')
    .description('Run batch jobs inside virtual machines. Jobs are submitted with vsub.')
    .version(vtorqueVersion(), '-V, --version')
    .exitOverride()
    .addCommand(localCommand())
    .addCommand(imageCommand());
  // Each command decides how it ends; none may end the process at a distance.
  const settle = (command: Command): void => {
    command.exitOverride().showSuggestionAfterError().configureHelp({ helpWidth: 80 });
    command.commands.forEach(settle);
  };
  settle(program);
  try {
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // commander has printed what was wrong, or the help that was asked for.
    if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
    const json = args.includes('--json');
    const { text, exitCode } = renderError(error, {
      program: 'vtorque',
      json,
      color: wantsColor(process.stderr, process.env),
    });
    process.stderr.write(text);
    return exitCode;
  }
}

import { type Command, CommanderError } from 'commander';
import { renderError, wantsColor } from './render-error.ts';

/**
 * Run a command of several subcommands to its end.
 * @returns its exit code: 0 done, 1 refused or failed, 2 wrong usage
 */
export async function runProgram(program: Command, args: readonly string[]): Promise<number> {
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
    const color = wantsColor(process.stderr, process.env);
    const { text, exitCode } = renderError(error, { program: program.name(), json, color });
    process.stderr.write(text);
    return exitCode;
  }
}

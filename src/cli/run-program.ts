import { type Command, CommanderError } from 'commander';
import { VtorqueError } from '../base/index.ts';
import { onProcessLeft } from '../process/left.ts';
import { formatHelp, pathOf } from './help-layout.ts';
import { renderError, wantsColor } from './render-error.ts';

/**
 * Run a command of several subcommands to its end.
 * @returns its exit code: 0 done, 1 refused or failed, 2 wrong usage
 */
export async function runProgram(program: Command, args: readonly string[]): Promise<number> {
  let meant = program;
  settle(program, (command) => {
    meant = command;
  });
  using _ = onProcessLeft((text) => process.stderr.write(`${program.name()}: ${text}\n`));
  try {
    await program.parseAsync(args, { from: 'user' });
    return Number(process.exitCode ?? 0);
  } catch (error) {
    // commander has printed the help or the version that was asked for, or the help for want of a command.
    if (error instanceof CommanderError && !isUsageError(error)) return error.exitCode === 0 ? 0 : 2;
    const json = args.includes('--json');
    const color = wantsColor(process.stderr, process.env);
    const cause = error instanceof CommanderError ? usageError(error, meant) : error;
    const { text, exitCode } = renderError(cause, { program: program.name(), json, color });
    process.stderr.write(text);
    return exitCode;
  }
}

/** Set up a command and those below it. `refuses` is told which one could not read its words. */
export function settle(command: Command, refuses: (command: Command) => void): void {
  // Each command decides how it ends; none may end the process at a distance.
  command.exitOverride().showSuggestionAfterError().configureHelp({ helpWidth: 80, formatHelp });
  command.helpOption('-h, --help', 'print this help');
  command.configureOutput({ outputError: () => refuses(command) });
  for (const each of command.commands) settle(each, refuses);
}

function isUsageError({ exitCode, code }: CommanderError): boolean {
  return exitCode !== 0 && code !== 'commander.help';
}

/** What commander says of a mistake, in our form. */
function usageError({ message }: CommanderError, command: Command): VtorqueError {
  const [what = '', suggestion = ''] = message.split('\n');
  const meant = /^\((.*)\)$/.exec(suggestion)?.[1];
  const plain = what.replace(/^error: (command-argument )?/, '').replaceAll("'", '"');
  const [state = '', remedy] = plain.replace(/\.$/, '').split(/(?<= is invalid(?: for argument "[^"]*")?)\. /);
  return new VtorqueError('E_USAGE', `Cannot read the command line: ${state}`, {
    hint: meant ?? remedy ?? `See ${pathOf(command)} --help`,
    phase: 'check',
    exitCode: 2,
  });
}

import { isatty } from 'node:tty';
import { Command } from 'commander';
import { VtorqueError } from '../../base/index.ts';
import { knock, lost } from './knock.ts';
import { consoleSession } from './session.ts';

/** `vtorque console JOB`. */
export function consoleCommand(): Command {
  return new Command('console')
    .description('a terminal of a shell in a VM of your running job')
    .argument('<job>', 'JOB or JOB/RANK, as qstat shows it')
    .option('--end', 'no terminal: let a VM that is kept after its script go')
    .action(async (wanted: string, { end }: { end?: true }) => {
      process.exitCode = await runConsole(wanted, end === true ? 'end' : 'shell');
    });
}

/**
 * @returns the exit code of the shell
 * @throws VtorqueError as `knock`; `E_TERMINAL`
 */
async function runConsole(wanted: string, wish: 'shell' | 'end'): Promise<number> {
  if (wish === 'shell' && !isatty(0)) {
    throw new VtorqueError('E_TERMINAL', 'Cannot open a console: standard input is no terminal', {
      hint: 'Run it at a terminal; through ssh with: ssh -t NODE vtorque console JOB',
    });
  }
  const { socket, job, rank } = await knock(wanted, {
    action: 'open a console of',
    command: (id) => `vtorque console ${wish === 'end' ? '--end ' : ''}${id}`,
  });
  const code = await consoleSession(socket, wish, rank);
  if (code !== undefined) return code;
  throw lost(job, 'the launcher of the job has gone');
}

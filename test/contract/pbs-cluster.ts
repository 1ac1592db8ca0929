import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { execute } from '../support/cluster.ts';
import { aUser, type TestUser } from '../support/users.ts';
import type { ContractCluster } from './cluster.ts';

/**
 * Words that run a command as an ordinary user on a submit host of a batch system that runs already, keeping the working
 * directory, for instance `ssh -l alice head` with a shared home or `runuser -u alice --`. Without it the tests take a new user here where
 * the batch system's server is installed.
 */
const VARIABLE = { torque: 'VTORQUE_TEST_TORQUE', openpbs: 'VTORQUE_TEST_OPENPBS' };
/** The same for an operator. */
const OPERATOR = { torque: 'VTORQUE_TEST_TORQUE_OPERATOR', openpbs: 'VTORQUE_TEST_OPENPBS_OPERATOR' };
const NAME = { torque: 'Torque', openpbs: 'OpenPBS' };
const TIMEOUT_MS = 60_000;

/** The reason to skip; false where there is one. */
export function whyNoPbs(engine: 'torque' | 'openpbs'): string | false {
  if (process.env[VARIABLE[engine]]) return false;
  const here = ['pbs_server', 'qsub'].every(onPath) && isOpenPbs() === (engine === 'openpbs');
  return here ? false : `no ${NAME[engine]} here`;
}

/** Some commands are for operators. */
export function whyNoOperator(engine: 'torque' | 'openpbs'): { requeue?: string } {
  return process.env[OPERATOR[engine]] ? {} : { requeue: `qrerun is for operators: ${OPERATOR[engine]} names none` };
}

/** A batch system that is there, with a directory of a user's on it. */
export async function pbsCluster(
  engine: 'torque' | 'openpbs',
  dialect: ContractCluster['dialect'],
): Promise<ContractCluster> {
  const words = process.env[VARIABLE[engine]];
  const own: TestUser | undefined = words ? undefined : aUser();
  const asUser = own === undefined ? (words ?? '').split(' ') : [...own.become, 'env', `PATH=${process.env.PATH}`];
  const run = async (...command: string[]): Promise<string> => {
    const result = await execute([...asUser, ...command], { cwd: '/', timeoutMs: TIMEOUT_MS });
    assert.equal(result.code, 0, `${command.join(' ')}: ${result.stderr}`);
    return result.stdout.trim();
  };
  const work = await run('sh', '-c', 'mktemp -d "$HOME/vtt-contract-XXXXXX"');
  return {
    engine,
    asUser,
    asOperator: process.env[OPERATOR[engine]]?.split(' '),
    work,
    dialect,
    [Symbol.asyncDispose]: async () => {
      await run('rm', '-rf', '--', work);
      own?.[Symbol.dispose]();
    },
  };
}

function onPath(program: string): boolean {
  return (process.env.PATH ?? '')
    .split(delimiter)
    .some((directory) => isThere(join(directory, program), constants.X_OK));
}

function isOpenPbs(): boolean {
  return isThere(process.env.PBS_CONF_FILE || '/etc/pbs.conf', constants.R_OK);
}

function isThere(path: string, mode: number): boolean {
  try {
    accessSync(path, mode);
    return true;
  } catch {
    return false;
  }
}

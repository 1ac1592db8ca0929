import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const ANSWER_MS = 10_000;

/** The first line that a program says of its version; undefined when it does not run. */
export async function versionOf(
  program: string,
  args: readonly string[],
  {
    PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  }: Readonly<Record<string, string | undefined>>,
): Promise<string | undefined> {
  const run = promisify(execFile)(program, args, { timeout: ANSWER_MS, env: { PATH } });
  return run.then(
    ({ stdout }) => stdout.split('\n')[0] ?? '',
    () => undefined,
  );
}

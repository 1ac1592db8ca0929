import type { Env } from '../../base/index.ts';
import { ROOTS_PATH, run } from '../../process/index.ts';

/** The first line that a program says of its version; undefined when it does not run. */
export async function versionOf(
  program: string,
  args: readonly string[],
  { PATH = ROOTS_PATH }: Env,
): Promise<string | undefined> {
  const { code, stdout } = await run([program, ...args], { env: { PATH } });
  return code === 0 ? stdout.toString().split('\n')[0] : undefined;
}

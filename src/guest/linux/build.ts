import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { compileProgram } from '../../process/index.ts';

const sources = join(import.meta.dirname, 'agent');

export interface BuildOptions {
  /** For tests: stop at the first wrong memory access or undefined behaviour. Needs the compiler's run-time libraries. */
  readonly sanitize?: boolean;
}

/**
 * Compile the guest agent.
 * @param outDir gets the file `agent`; made if it is missing
 * @returns the path of the agent
 * @throws VtorqueError `E_BUILD`
 */
export async function buildAgent(outDir: string, { sanitize = false }: BuildOptions = {}): Promise<string> {
  const names = (await readdir(sources)).filter((name) => /\.[ch]$/.test(name)).sort();
  return compileProgram(
    {
      name: 'agent',
      sources: names.map((name) => join(sources, name)),
      flags: sanitize
        ? ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all']
        : ['-O2', '-static', '-s'],
      version: (digest) => `-DAGENT_VERSION="${digest.slice(0, 12)}"`,
    },
    outDir,
  );
}

import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { VtorqueError } from '../../base/index.ts';

const sources = join(import.meta.dirname, 'agent');
const compileMs = 120_000;

export interface BuildOptions {
  /** For tests: stop at the first wrong memory access or undefined behaviour. Needs the compiler's run-time libraries. */
  readonly sanitize?: boolean;
}

/**
 * Compile the guest agent.
 * @param outDir gets the file `agent`; made if it is missing
 * @returns the path of the agent
 * @throws VtorqueError `E_AGENT_BUILD`
 */
export async function buildAgent(outDir: string, { sanitize = false }: BuildOptions = {}): Promise<string> {
  const names = (await readdir(sources)).filter((name) => /\.[ch]$/.test(name)).sort();
  const digest = createHash('sha256');
  for (const name of names) digest.update(await readFile(join(sources, name)));
  const version = digest.digest('hex').slice(0, 12);
  const agent = join(outDir, 'agent');
  const draft = `${agent}.${process.pid}.tmp`;
  const kind = sanitize
    ? ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all']
    : ['-O2', '-static', '-s'];
  const cFiles = names.filter((name) => name.endsWith('.c')).map((name) => join(sources, name));
  const warnings = ['-Wall', '-Wextra', '-Werror'];
  try {
    await mkdir(outDir, { recursive: true });
    const args = [...kind, '-std=c17', ...warnings, `-DAGENT_VERSION="${version}"`, '-o', draft, ...cFiles];
    await promisify(execFile)('cc', args, { timeout: compileMs });
    await rename(draft, agent);
    return agent;
  } catch (cause) {
    await rm(draft, { force: true });
    const { code, stderr = '' } = cause as { code?: unknown; stderr?: string };
    throw new VtorqueError('E_AGENT_BUILD', 'Cannot build the guest agent: the compiler "cc" failed', {
      ...(code === 'ENOENT' && { hint: 'Install a C compiler and the C library for development: gcc and libc6-dev' }),
      details: stderr.trimEnd().split('\n').slice(-20),
      cause,
    });
  }
}

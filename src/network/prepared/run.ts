import { writeFile } from 'node:fs/promises';
import { runTool } from '../../process/index.ts';
import type { Command } from './commands.ts';
import { type Link, parseLinks } from './links.ts';

/** @throws Error with the words of `ip` */
export async function readLinks(): Promise<Link[]> {
  return parseLinks(await runTool(['ip', '-details', '-json', 'address', 'show']));
}

/**
 * One process for all: starting one for each takes longer than all that they do.
 * @throws Error at the first that fails
 */
export async function runBatch(program: 'ip' | 'bridge', commands: readonly Command[]): Promise<void> {
  if (commands.length === 0) return;
  const odd = commands.flat().find((word) => !/^[\w.:/@%+-]+$/.test(word));
  if (odd !== undefined) throw new Error(`"${odd}" is no word for ${program}`);
  const input = commands.map((words) => `${words.join(' ')}\n`).join('');
  await runTool([program, '-batch', '-'], { input });
}

/** @param rules for `nft --file` */
export async function loadFirewall(rules: string): Promise<void> {
  await runTool(['nft', '--file', '-'], { input: rules });
}

/** Those of a protocol that the kernel does not have are not there. */
export async function writeSettings(settings: readonly (readonly [file: string, value: string])[]): Promise<void> {
  for (const [file, value] of settings) {
    await writeFile(`/proc/sys/net/${file}`, value).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== 'ENOENT' || !file.startsWith('ipv6/')) throw cause;
    });
  }
}

import { readFile } from 'node:fs/promises';
import { VtorqueError } from '../../base/index.ts';
import { updateThen } from '../kernel/apt.ts';
import type { Recipe } from '../recipes/index.ts';
import { run } from '../run.ts';

/** A package source that apt on this machine is set to, as `apt-get indextargets` tells. */
export interface AptSource {
  readonly uri: string;
  /** The release's code name, by its own signed file: `bookworm-security`. */
  readonly codename: string;
  readonly label: string;
  /** Path of the file with the keys that must have signed it, when the source names one. */
  readonly signedBy: string | undefined;
}

const QUERY_MS = 60_000;

/**
 * The lines of a sources.list for the recipe: release, updates and security updates, from where this machine itself
 * takes Debian's packages.
 * @throws VtorqueError `E_NO_SOURCE`
 */
export async function sourceLines(
  recipe: Recipe,
  context: { signal?: AbortSignal | undefined; note: (text: string) => void },
): Promise<string[]> {
  const read = async (): Promise<string[]> => linesFor(recipe, await machineSources(context.signal));
  let lines = await read();
  if (lines.length === 0) lines = (await updateThen(context, read)) ?? [];
  if (lines.length > 0) return lines;
  throw new VtorqueError(
    'E_NO_SOURCE',
    `Cannot build image "${recipe.name}": apt on this machine has no source of Debian packages`,
    {
      hint: 'Give apt a source of Debian and run apt-get update as root',
    },
  );
}

/**
 * From the sources of any release, those of the recipe's: a server has the releases side by side.
 * Debian's security updates have a place of their own, without which the image is built from what there is.
 */
export function linesFor({ suite, components }: Recipe, sources: readonly AptSource[]): string[] {
  const lines = new Set<string>();
  const add = (source: AptSource | undefined, name: string): void => {
    if (source === undefined) return;
    const options = source.signedBy === undefined ? '' : `[signed-by=${source.signedBy}] `;
    lines.add(`deb ${options}${source.uri} ${name} ${components.join(' ')}`);
  };
  // A source of the same release is the better one: it is known to have it.
  const best = (label: string): AptSource | undefined => {
    const fitting = sources.filter((source) => source.label === label && !source.uri.startsWith('cdrom:'));
    return fitting.find((source) => source.codename.startsWith(suite)) ?? fitting[0];
  };
  add(best('Debian'), suite);
  add(best('Debian'), `${suite}-updates`);
  if (lines.size > 0) add(best('Debian-Security'), `${suite}-security`);
  return [...lines];
}

async function machineSources(signal: AbortSignal | undefined): Promise<AptSource[]> {
  const output = await run(['apt-get', 'indextargets', 'Created-By: Packages', 'Origin: Debian'], {
    withinMs: QUERY_MS,
    signal,
  });
  const sources: AptSource[] = [];
  for (const target of parseTargets(output.toString())) {
    const [file = '', entry = '1'] = (target.get('Sourcesentry') ?? '').split(/:(?=\d+$)/);
    sources.push({
      uri: target.get('Repo-URI') ?? '',
      codename: target.get('Codename') ?? '',
      label: target.get('Label') ?? '',
      signedBy:
        file === '' ? undefined : signedByOf(await readFile(file, 'utf8'), Number(entry), file.endsWith('.sources')),
    });
  }
  return sources;
}

/** The paragraphs of `apt-get indextargets`. */
export function parseTargets(text: string): Map<string, string>[] {
  return text
    .split(/\n\s*\n/)
    .filter((paragraph) => paragraph.trim() !== '')
    .map((paragraph) => {
      const fields = paragraph.split('\n').map((line) => /^([^\s:]+):\s*(.*)$/.exec(line));
      return new Map(
        fields.flatMap((match) => (match?.[1] === undefined ? [] : ([[match[1], match[2] ?? '']] as const))),
      );
    });
}

/**
 * The key file that entry `number` of an apt source file names.
 * @param entry apt counts lines in a `.list` file, paragraphs in a `.sources` file; both from 1
 */
export function signedByOf(text: string, entry: number, deb822: boolean): string | undefined {
  const part = deb822
    ? text
        .split(/\n\s*\n/)
        .filter((paragraph) => /^[^#\s]/m.test(paragraph))
        .at(entry - 1)
    : text.split('\n').at(entry - 1);
  const pattern = deb822 ? /^Signed-By:[ \t]*(\/\S+)[ \t]*$/im : /\[[^\]]*\bsigned-by=(\/[^\s\]]+)/i;
  return pattern.exec(part ?? '')?.[1];
}

const PASSED_ON = /^Acquire::(Check-Valid-Until|Check-Date|Max-ValidTime|Retries|(https?|ftp)::)/i;

/** This machine's own way to its package servers (proxies, time-outs), as an apt configuration file. */
export async function acquireSettings(signal?: AbortSignal): Promise<string> {
  const dump = await run(['apt-config', 'dump', 'Acquire'], { withinMs: QUERY_MS, signal });
  const kept = dump
    .toString()
    .split('\n')
    .filter((line) => PASSED_ON.test(line));
  return kept.map((line) => `${line}\n`).join('');
}

import { messageOf, VtorqueError } from '../../base/index.ts';

/** A value as TOML has them; dates and the like are of no use here and come as objects. */
export type TomlTable = { readonly [key: string]: unknown };

export interface TomlFile {
  readonly file: string;
  readonly table: TomlTable;
  /** Where a key stands, counted from 1; undefined when that cannot be told. */
  lineOf(path: readonly string[]): number | undefined;
}

/**
 * Read TOML. The reader is loaded only here, because most commands find no file.
 * @param file for error messages
 * @throws VtorqueError `E_CONFIG_SYNTAX` with the line
 */
export async function parseToml(text: string, file: string): Promise<TomlFile> {
  const { parse, TomlError } = await import('smol-toml');
  try {
    const lines = keyLines(text);
    const table = parse(text) as TomlTable;
    return { file, table, lineOf: (path) => lines.get(JSON.stringify(path)) };
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    const [reason = ''] = messageOf(cause).split('\n');
    throw new VtorqueError(
      'E_CONFIG_SYNTAX',
      `Cannot read "${file}": line ${cause.line}, column ${cause.column}: ${reason.replace(/^Invalid TOML document: /, '')}`,
      {
        hint: 'The file is in TOML: [table] headings and key = value lines; texts stand in quotes',
        phase: 'check',
        cause,
      },
    );
  }
}

export function isTable(value: unknown): value is TomlTable {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date);
}

/** The lines of headings and keys, by their path; the parser does not tell them. */
function keyLines(text: string): Map<string, number> {
  const lines = new Map<string, number>();
  let table: string[] = [];
  let inside: '"""' | "'''" | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    if (inside === undefined) {
      const heading = /^\s*\[\[?(.*?)\]\]?\s*(#.*)?$/.exec(line)?.[1];
      const key = /^\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=/.exec(line)?.[1];
      if (heading !== undefined && !line.includes('=')) table = keyParts(heading);
      const path = key === undefined ? table : [...table, ...keyParts(key)];
      const name = JSON.stringify(path);
      if ((key !== undefined || heading !== undefined) && !lines.has(name)) lines.set(name, index + 1);
    }
    for (const [quote] of line.matchAll(/"""|'''/g)) {
      if (inside === undefined) inside = quote as '"""' | "'''";
      else if (inside === quote) inside = undefined;
    }
  }
  return lines;
}

function keyParts(text: string): string[] {
  return [...text.matchAll(/"([^"]*)"|'([^']*)'|([\w-]+)/g)].map(([, a, b, c]) => a ?? b ?? c ?? '');
}

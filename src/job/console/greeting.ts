/** What who asks for a console says first, on one line; then both sides go on as those of an interactive job. */
export interface ConsoleGreeting {
  readonly version: 1;
  /** The user's `TERM`. */
  readonly terminalType: string;
  /** `end`: no console is wanted, but the end of keeping the VM. */
  readonly wish: 'shell' | 'end';
}

/** Begins the lines of the launcher. There is nothing else on this connection. */
export const CONSOLE_TOKEN = '@';

const longest = 4096;

export function greetingLine(greeting: ConsoleGreeting): string {
  return `${JSON.stringify(greeting)}\n`;
}

/**
 * Find the greeting at the beginning of what has come.
 * @returns undefined while its line is not whole; `rest` is what came behind it
 * @throws Error when it is none
 */
export function readGreeting(bytes: Buffer): { readonly greeting: ConsoleGreeting; readonly rest: Buffer } | undefined {
  const end = bytes.indexOf('\n');
  if (end < 0 && bytes.length <= longest) return undefined;
  const greeting = parse(bytes.toString('utf8', 0, Math.min(end, longest)));
  if (greeting === undefined) throw new Error('no greeting of a console');
  return { greeting, rest: bytes.subarray(end + 1) };
}

function parse(line: string): ConsoleGreeting | undefined {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof value !== 'object' || value === null) return undefined;
  const { version, terminalType, wish } = value as Partial<Record<keyof ConsoleGreeting, unknown>>;
  if (version !== 1 || typeof terminalType !== 'string' || /[\0\n]/.test(terminalType)) return undefined;
  return wish === 'shell' || wish === 'end' ? { version, terminalType, wish } : undefined;
}

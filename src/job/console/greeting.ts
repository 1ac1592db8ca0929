/** What who knocks says first, on one line. */
export interface ConsoleGreeting {
  readonly version: 1;
  /** The user's `TERM`. */
  readonly terminalType: string;
  /**
   * `shell`: both sides go on as those of an interactive job. `end`: the end of keeping the VM, on the same lines.
   * `login`: what an ssh client needs, in one line, a LoginAnswer. `ssh`: from then on there is a server at the other end.
   */
  readonly wish: (typeof wishes)[number];
  /** Of the VM. */
  readonly rank: number;
}

const wishes = ['shell', 'end', 'login', 'ssh'] as const;

/** How to log in to a VM by ssh, or why that cannot be. */
export type LoginAnswer =
  | {
      readonly user: string;
      /** Name of the VM. */
      readonly name: string;
      /** Content of a private key file. */
      readonly identity: string;
      /** Public key of the VM. */
      readonly hostKey: string;
      /** The VM by which it is reached, where it is not on the launcher's node: its rank and its name. */
      readonly through?: { readonly rank: number; readonly name: string };
    }
  | { readonly why: string; readonly hint: string };

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
  const { version, terminalType, wish, rank } = value as Partial<Record<keyof ConsoleGreeting, unknown>>;
  if (version !== 1 || typeof terminalType !== 'string' || /[\0\n]/.test(terminalType)) return undefined;
  if (typeof rank !== 'number' || !Number.isSafeInteger(rank) || rank < 0) return undefined;
  const known = wishes.find((each) => each === wish);
  return known === undefined ? undefined : { version, terminalType, wish: known, rank };
}

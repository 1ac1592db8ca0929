/**
 * What vsub and the launcher of an interactive job say to each other through the batch system's terminal: lines of
 * printable text, since on its way are qsub, a terminal that may alter line ends, and whatever else writes to it.
 * From the job each line begins with a token that vsub drew; everything between such lines is text for the user.
 */
export type FromJob =
  /** The launcher listens: nothing is echoed any more. */
  | { readonly kind: 'hello' }
  /** The shell runs: from now on the user's terminal is its own. */
  | { readonly kind: 'begin' }
  | { readonly kind: 'output'; readonly bytes: Buffer }
  | { readonly kind: 'exit'; readonly code: number };

export type ToJob =
  | { readonly kind: 'input'; readonly bytes: Buffer }
  | { readonly kind: 'end' }
  | { readonly kind: 'size'; readonly columns: number; readonly rows: number };

/** A message of the job, as a line. */
export function lineFromJob(token: string, message: FromJob): string {
  if (message.kind === 'output') return `${token} D ${message.bytes.toString('base64')}\n`;
  if (message.kind === 'exit') return `${token} X ${message.code}\n`;
  return `${token} ${message.kind === 'hello' ? 'H' : 'T'}\n`;
}

/** A message to the job, as a line. */
export function lineToJob(message: ToJob): string {
  if (message.kind === 'input') return `D ${message.bytes.toString('base64')}\n`;
  return message.kind === 'end' ? 'E\n' : `W ${message.columns} ${message.rows}\n`;
}

/** Finds the job's messages in what qsub prints. */
export class JobReader {
  readonly #token: string;
  #rest = '';

  constructor(token: string) {
    this.#token = token;
  }

  /** What is in `chunk`, as far as it is known what it is: messages, and text that is none. */
  *read(chunk: Uint8Array): Generator<FromJob | { readonly kind: 'text'; readonly bytes: Buffer }> {
    this.#rest += Buffer.from(chunk).toString('latin1');
    for (;;) {
      const at = this.#rest.indexOf(this.#token);
      const before = at >= 0 ? at : this.#rest.length - partOf(this.#token, this.#rest);
      if (before > 0) yield { kind: 'text', bytes: this.#cut(before) };
      const end = at < 0 ? -1 : this.#rest.indexOf('\n');
      if (end < 0) return;
      const line = this.#cut(end + 1).toString('latin1');
      const message = messageOfJob(line.slice(this.#token.length).trim());
      if (message !== undefined) yield message;
    }
  }

  /** What is left when nothing more comes: the beginning of a line that was never finished. */
  rest(): Buffer {
    return this.#rest.startsWith(this.#token) ? Buffer.alloc(0) : this.#cut(this.#rest.length);
  }

  #cut(length: number): Buffer {
    const bytes = Buffer.from(this.#rest.slice(0, length), 'latin1');
    this.#rest = this.#rest.slice(length);
    return bytes;
  }
}

/** How many characters at the end of `text` may be the beginning of `token`. */
function partOf(token: string, text: string): number {
  for (let length = Math.min(token.length - 1, text.length); length > 0; length--) {
    if (text.endsWith(token.slice(0, length))) return length;
  }
  return 0;
}

function messageOfJob(line: string): FromJob | undefined {
  const [kind, value = ''] = line.split(' ');
  if (kind === 'D') return { kind: 'output', bytes: Buffer.from(value, 'base64') };
  if (kind === 'X' && /^\d{1,3}$/.test(value)) return { kind: 'exit', code: Number(value) };
  if (kind === 'H') return { kind: 'hello' };
  return kind === 'T' ? { kind: 'begin' } : undefined;
}

/** Reads vsub's messages. Lines that are none, such as what was typed before anybody listened, count as nothing. */
export class UserReader {
  #rest = '';

  *read(chunk: Uint8Array): Generator<ToJob> {
    this.#rest += Buffer.from(chunk).toString('latin1');
    const lines = this.#rest.split(/\r?\n/);
    this.#rest = lines.pop() ?? '';
    for (const line of lines) {
      const message = messageOfUser(line);
      if (message !== undefined) yield message;
    }
  }
}

function messageOfUser(line: string): ToJob | undefined {
  const [, kind, value = ''] = /^([DEW])(?: (.*))?$/.exec(line) ?? [];
  if (kind === 'D') return { kind: 'input', bytes: Buffer.from(value, 'base64') };
  if (kind === 'E') return { kind: 'end' };
  const [, columns, rows] = /^(\d{1,5}) (\d{1,5})$/.exec(value) ?? [];
  const [width, height] = [Number(columns), Number(rows)];
  return kind === 'W' && width > 0 && height > 0 ? { kind: 'size', columns: width, rows: height } : undefined;
}

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { patienceMs } from './cluster.ts';

/** A program at a terminal of its own, with somebody who types and reads. */
export interface AtTerminal extends AsyncDisposable {
  /** Wait for text that comes after what was waited for before. */
  expect(wanted: RegExp): Promise<RegExpExecArray>;
  type(text: string): void;
  resize(columns: number, rows: number): void;
  /** The terminal goes away, as when its window is closed. */
  hangUp(): void;
  /** 128 and the number when a signal ended it. */
  readonly exit: Promise<number>;
  readonly pid: number;
}

// Node cannot make a terminal.
const DRIVER = `
import fcntl, os, pty, select, struct, sys, termios
def resize(columns, rows): fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
ready, go = os.pipe()
pid, terminal = pty.fork()
if pid == 0:
    os.read(ready, 1)
    os.closerange(3, 10)
    os.execvp(sys.argv[1], sys.argv[1:])
resize(80, 24)
os.write(go, b"!")
os.write(4, b"%d\\n" % pid)
watched = [0, 3, terminal]
while terminal in watched:
    for fd in select.select(watched, [], [])[0]:
        try: data = os.read(fd, 65536)
        except OSError: data = b""
        if not data: watched.remove(fd)
        elif fd == 3:
            for line in data.decode().splitlines():
                if line == "hang up": os.close(terminal); watched.remove(terminal); break
                resize(*map(int, line.split()))
        elif fd == terminal: os.write(1, data)
        else:
            while data: data = data[os.write(terminal, data):]
status = os.waitpid(pid, 0)[1]
sys.exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
`;

export interface TerminalOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly become?: readonly string[];
  /** For everything that is to happen at it. */
  readonly withinMs?: number;
}

/** Start a program at a terminal of 80 by 24. */
export async function atTerminal(
  command: readonly string[],
  { cwd, env = {}, become = [], withinMs = patienceMs }: TerminalOptions = {},
): Promise<AtTerminal> {
  const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const words = [...become, 'env', ...assignments, ...command];
  const driver = spawn('python3', ['-c', DRIVER, ...words], {
    cwd,
    stdio: ['pipe', 'pipe', 'inherit', 'pipe', 'pipe'],
  });
  const [input, output, , orders, told] = driver.stdio as unknown as [Writable, Readable, null, Writable, Readable];
  let seen = '';
  let news = Promise.withResolvers<void>();
  output.on('data', (data: Buffer) => {
    seen += data.toString('latin1');
    news.resolve();
  });
  for (const stream of [input, orders]) stream.on('error', () => {});
  const exit = new Promise<number>((resolve) => {
    driver.once('close', (code) => {
      resolve(code ?? -1);
      news.resolve();
    });
  });
  const late = Promise.withResolvers<'late'>();
  const timer = setTimeout(() => late.resolve('late'), withinMs);
  const pid = Number(await new Promise((resolve) => told.once('data', resolve)));
  return {
    pid,
    exit: exit.finally(() => clearTimeout(timer)),
    expect: async (wanted) => {
      for (;;) {
        const next = news.promise;
        const found = wanted.exec(seen);
        if (found !== null) {
          seen = seen.slice(found.index + found[0].length);
          return found;
        }
        if (driver.exitCode !== null || driver.signalCode !== null) assert.fail(`${wanted} did not come:\n${seen}`);
        if ((await Promise.race([next, late.promise])) === 'late')
          assert.fail(`${wanted} did not come in time:\n${seen}`);
        news = Promise.withResolvers();
      }
    },
    type: (text) => {
      input.write(text);
    },
    resize: (columns, rows) => {
      orders.write(`${columns} ${rows}\n`);
    },
    hangUp: () => {
      orders.write('hang up\n');
    },
    [Symbol.asyncDispose]: async () => {
      driver.kill('SIGKILL');
      await exit;
      clearTimeout(timer);
    },
  };
}

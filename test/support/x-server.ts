import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { authorityFile, COOKIE_PROTOCOL, FIRST_PORT } from '../../src/x11/index.ts';

/** As much of an X server as it takes to see who connects: who has its cookie hears all that he says again. */
export interface EchoDisplay extends AsyncDisposable {
  /** For DISPLAY. */
  readonly name: string;
  readonly cookie: Buffer;
  /** The authority file of a user who may use it. */
  readonly authority: Buffer;
  /** How many have connected, and how many of them had the cookie. */
  readonly seen: { connections: number; right: number };
  /** Connections that are open. */
  readonly open: ReadonlySet<Socket>;
}

const ANSWER = Buffer.from([1, 0, 11, 0, 0, 0, 0, 0]);
const SETUP = 12 + 20 + 16;

/** Listen at a display of this machine, over TCP. */
export async function startEchoDisplay(): Promise<EchoDisplay> {
  const cookie = randomBytes(16);
  const seen = { connections: 0, right: 0 };
  const open = new Set<Socket>();
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    seen.connections++;
    open.add(socket);
    socket.on('error', () => {}).on('close', () => open.delete(socket));
    let setup = Buffer.alloc(0);
    const introduce = (chunk: Buffer): void => {
      setup = Buffer.concat([setup, chunk]);
      if (setup.length < SETUP) return;
      socket.off('data', introduce);
      if (!setup.subarray(SETUP - 16, SETUP).equals(cookie)) return void socket.destroy();
      seen.right++;
      socket.write(ANSWER);
      socket.unshift(setup.subarray(SETUP));
      socket.pipe(socket);
    };
    socket.on('data', introduce);
    socket.on('end', () => socket.end());
  });
  const number = await listen(server);
  return {
    ...{ name: `127.0.0.1:${number}.0`, cookie, seen, open },
    authority: authorityFile(hostname(), number, COOKIE_PROTOCOL, cookie),
    [Symbol.asyncDispose]: async () => {
      for (const socket of open) socket.destroy();
      server.close();
      await once(server, 'close');
    },
  };
}

async function listen(server: Server): Promise<number> {
  for (let number = 40; ; number++) {
    try {
      server.listen(FIRST_PORT + number, '127.0.0.1');
      await once(server, 'listening');
      return number;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE' || number > 200) throw error;
    }
  }
}

/**
 * A client in Python. `client.py COUNT` opens so many connections, says something else on each, and hears it;
 * `client.py wrong` has another cookie, and prints what it is told; `client.py stay` says when it is connected, and stays so.
 */
export const X_CLIENT = `
import os, socket, struct, sys, threading
host, number = os.environ["DISPLAY"].rsplit(".", 1)[0].split(":")
cookie = open(os.environ["XAUTHORITY"], "rb").read()[-16:]
def connect(cookie):
    s = socket.create_connection((host, 6000 + int(number)))
    s.sendall(struct.pack("<BxHHHHxx", 0x6c, 11, 0, 18, 16) + b"MIT-MAGIC-COOKIE-1\\0\\0" + cookie)
    return s
def read(s, n):
    data = b""
    while len(data) < n:
        more = s.recv(min(n - len(data), 65536))
        if not more: break
        data += more
    return data
good = []
def talk(i):
    s = connect(cookie)
    words = (b"%d " % i) * 200000
    threading.Thread(target=lambda: (s.sendall(words), s.shutdown(socket.SHUT_WR))).start()
    answer = read(s, 8)
    if answer[:1] == b"\\1" and read(s, len(words) + 1) == words: good.append(i)
if sys.argv[1] == "wrong":
    print(read(connect(bytes(16)), 1 << 20)[8:].decode().strip("\\0"), end="")
elif sys.argv[1] == "stay":
    s = connect(cookie)
    print("connected", len(read(s, 8)), flush=True)
    read(s, 1)
else:
    threads = [threading.Thread(target=talk, args=(i,)) for i in range(int(sys.argv[1]))]
    for t in threads: t.start()
    for t in threads: t.join()
    print(len(good), "of", len(threads))
`;

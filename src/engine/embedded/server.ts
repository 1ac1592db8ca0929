import { chmodSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { messageOf } from '../../base/index.ts';
import type { Accounts } from './accounts.ts';
import { encodeLine, FrameReader } from './frames.ts';
import type { Caller } from './operations.ts';
import { MAX_LINE, PBSE, PbsError, PROTOCOL_VERSION, type Request } from './protocol.ts';
import { asPbsError } from './submit.ts';

/** One request of one client, as the rest of the daemon sees it. */
export interface Exchange {
  readonly caller: Caller;
  readonly request: Request;
  /** The raw bytes behind the request. */
  body(length: number): AsyncIterable<Buffer>;
  /** Send an answer; `wait` sends several. */
  reply(answer: object): void;
  /** Aborted when the client goes away. */
  readonly signal: AbortSignal;
  /** From now on the client may be silent for any time. */
  patient(): void;
  /** The connection, for what goes on after the answers. */
  readonly socket: Socket;
}

export interface ServerOptions {
  readonly path: string;
  readonly accounts: Accounts;
  /** The user whose requests may concern everybody's jobs, besides root. */
  readonly managerUid: number;
  readonly handle: (exchange: Exchange) => Promise<object | undefined>;
  readonly log: (line: string) => void;
}

const IDLE_MS = 30_000;
const MAX_CONNECTIONS = 1024;
/** So that no user can keep the others out. */
const MAX_PER_USER = 256;

/** Listen on the instance's socket. Whatever a client sends, only its own connection suffers. */
export async function listen(options: ServerOptions): Promise<Server> {
  const perUser = new Map<number, number>();
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.setTimeout(IDLE_MS, () => socket.destroy());
    serve(socket, perUser, options)
      .catch((error: unknown) => options.log(`connection failed: ${messageOf(error)}`))
      .finally(() => socket.destroySoon());
  });
  server.maxConnections = MAX_CONNECTIONS;
  // We hold the instance's lock: a socket that is there was left by a daemon that was killed.
  rmSync(options.path, { force: true });
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  server.once('error', reject);
  server.listen(options.path, resolve);
  await promise;
  chmodSync(options.path, 0o666);
  return server;
}

async function serve(socket: Socket, perUser: Map<number, number>, options: ServerOptions): Promise<void> {
  const uid = await options.accounts.peer(socket);
  const count = (perUser.get(uid) ?? 0) + 1;
  perUser.set(uid, count);
  try {
    if (count > MAX_PER_USER) throw new PbsError(PBSE.SYSTEM, 'too many connections');
    const reader = new FrameReader(socket);
    const line = await reader.line(MAX_LINE);
    if (line === undefined) return;
    const closed = new AbortController();
    socket.once('close', () => closed.abort());
    const answer = await options.handle({
      caller: { uid, manager: uid === 0 || uid === options.managerUid },
      request: parseRequest(line),
      body: (length) => reader.body(length),
      reply: (message) => socket.write(encodeLine({ ok: true, ...message })),
      signal: closed.signal,
      socket,
      patient: () => {
        socket.setTimeout(0);
        // Reading is how we hear that the client has gone.
        void reader.line(MAX_LINE).then(
          () => socket.destroy(),
          () => socket.destroy(),
        );
      },
    });
    if (answer !== undefined) socket.write(encodeLine({ ok: true, ...answer }));
  } catch (thrown) {
    const error = asPbsError(thrown);
    if (!(error instanceof PbsError)) options.log(`request of uid ${uid} failed: ${stackOf(error)}`);
    const { code, message } =
      error instanceof PbsError ? error : { code: PBSE.INTERNAL, message: 'Internal server error' };
    socket.write(encodeLine({ ok: false, code, message }));
  } finally {
    const left = (perUser.get(uid) ?? 1) - 1;
    if (left > 0) perUser.set(uid, left);
    else perUser.delete(uid);
  }
}

function parseRequest(line: string): Request {
  let message: unknown;
  try {
    message = JSON.parse(line);
  } catch {
    throw new PbsError(PBSE.PROTOCOL, 'request is not JSON');
  }
  if (typeof message !== 'object' || message === null || !('op' in message) || typeof message.op !== 'string') {
    throw new PbsError(PBSE.PROTOCOL, 'request has no operation');
  }
  if (!('v' in message) || message.v !== PROTOCOL_VERSION) {
    throw new PbsError(
      PBSE.PROTOCOL,
      `commands and daemon are of different versions; restart it: vtorque local stop && vtorque local start`,
    );
  }
  return message as unknown as Request;
}

function stackOf(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

import { createReadStream } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Env } from '../../base/index.ts';
import { installRoot } from '../../site/index.ts';
import { encodeLine, FrameReader } from './frames.ts';
import { instancePlaces, instancesToTry } from './places.ts';
import { type JobView, PBSE, PbsError, PROTOCOL_VERSION, type Reply, type Request } from './protocol.ts';

/** Where qsub, qstat and the others are. */
export const commandsDir: string = join(installRoot, 'libexec/pbs');

const ANSWER_MS = 60_000;

/** No instance answers. `errno` is the system's number for the last one tried. */
export class NoServerError extends Error {
  readonly errno: number;
  constructor(errno: number, reason: string) {
    super(reason);
    this.name = 'NoServerError';
    this.errno = errno;
  }
}

export interface Connection {
  readonly socket: Socket;
  close(): void;
}

/**
 * Connect to the instance that `env` means.
 * @throws NoServerError when none answers
 */
export async function connectInstance(env: Env): Promise<Connection> {
  let failure = new NoServerError(111, 'Connection refused');
  for (const dir of instancesToTry(env)) {
    try {
      const socket = await connectTo(instancePlaces(dir).socket);
      return { socket, close: () => socket.destroy() };
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      // A socket that is not there is to the user what a port is that nobody listens on.
      if (code === 'EACCES') failure = new NoServerError(13, 'Permission denied');
    }
  }
  throw failure;
}

function connectTo(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      // Whoever reads from it gets the error; without a reader it concerns nobody.
      socket.on('error', () => {});
      resolve(socket);
    });
  });
}

/**
 * One request and its answer.
 * @param script where the script's bytes come from, for `submit`
 * @throws NoServerError, or PbsError with what the batch system says
 */
export async function request<T>(
  env: Env,
  message: Request,
  script?: Uint8Array | { readonly path: string },
): Promise<T> {
  const connection = await connectInstance(env);
  try {
    connection.socket.setTimeout(ANSWER_MS, () => connection.socket.destroy(new Error('no answer within 60 s')));
    const sent = send(connection.socket, message, script);
    // A refusal can come before all is sent, and closes the connection: then the answer counts, not the broken pipe.
    sent.catch(() => {});
    return await readReply<T>(new FrameReader(connection.socket));
  } finally {
    connection.close();
  }
}

/** Send a request, and the bytes behind it. */
export async function send(
  socket: Socket,
  message: Request,
  script?: Uint8Array | { readonly path: string },
): Promise<void> {
  socket.write(encodeLine({ v: PROTOCOL_VERSION, ...message }));
  if (script instanceof Uint8Array) socket.write(script);
  else if (script !== undefined) {
    const { pipeline } = await import('node:stream/promises');
    await pipeline(createReadStream(script.path), socket, { end: false });
  }
}

/**
 * The next answer.
 * @throws PbsError with what the batch system says
 */
export async function readReply<T>(reader: FrameReader): Promise<T> {
  const line = await reader.line(Number.POSITIVE_INFINITY).catch((error: unknown) => {
    throw new PbsError(PBSE.SYSTEM, error instanceof Error ? error.message : String(error));
  });
  if (line === undefined) throw new PbsError(PBSE.SYSTEM, 'End of File');
  const reply = JSON.parse(line) as Reply<T>;
  if (!reply.ok) throw new PbsError(reply.code, reply.message);
  return reply;
}

/**
 * Follow a job: its state now and after each change, until it is complete. The daemon tells; nothing is polled.
 * @throws PbsError for an unknown job or when the batch system goes away
 */
export async function* followJob(id: string, signal?: AbortSignal, env: Env = process.env): AsyncGenerator<JobView> {
  signal?.throwIfAborted();
  const { socket, close } = await connectInstance(env);
  const abort = (): void => {
    socket.destroy();
  };
  signal?.addEventListener('abort', abort, { once: true });
  try {
    socket.write(encodeLine({ v: PROTOCOL_VERSION, op: 'wait', id } satisfies Request & { v: number }));
    const reader = new FrameReader(socket);
    for (;;) {
      const { job } = await readReply<{ job: JobView }>(reader).catch((error: unknown) => {
        throw signal?.aborted ? signal.reason : error;
      });
      yield job;
      if (job.state === 'C') return;
    }
  } finally {
    signal?.removeEventListener('abort', abort);
    close();
  }
}

/**
 * Wait until a job is complete.
 * @throws as `followJob`, or the signal's reason
 */
export async function waitForJob(id: string, signal?: AbortSignal, env: Env = process.env): Promise<JobView> {
  for await (const job of followJob(id, signal, env)) if (job.state === 'C') return job;
  throw new PbsError(PBSE.SYSTEM, 'End of File');
}

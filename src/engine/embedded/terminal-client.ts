import type { Readable, Writable } from 'node:stream';
import type { Env } from '../../base/index.ts';
import { connectInstance, readReply, send } from './client.ts';
import { FrameReader } from './frames.ts';
import type { Submission } from './job.ts';
import type { SubmitReply } from './protocol.ts';

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** An interactive job, as its client sees it. */
export interface InteractiveJob {
  readonly id: string;
  /** Resolves when the job runs; rejects with PbsError when it will not. */
  readonly ready: Promise<void>;
  /** Carry bytes both ways, from when the job is ready until it has ended. */
  carry(input: Readable, output: Writable): Promise<void>;
  resize(size: TerminalSize): void;
  /** Go away: the job ends. */
  close(): void;
}

const MAX_FRAME = 0xffff;

/**
 * Submit an interactive job over a connection that becomes its terminal.
 * @param authority the X authority file for the display of the submission
 * @throws NoServerError, or PbsError with what the batch system says
 */
export async function submitInteractive(
  env: Env,
  submission: Submission,
  authority?: Uint8Array,
): Promise<InteractiveJob> {
  const { socket, close } = await connectInstance(env);
  try {
    const secret = authority === undefined ? {} : { authority: Buffer.from(authority).toString('base64') };
    await send(socket, { op: 'submit', submission, body: 0, ...secret });
    const reader = new FrameReader(socket);
    const { id } = await readReply<SubmitReply>(reader);
    const ready = readReply<{ ready: true }>(reader).then(() => {});
    ready.catch(() => {});
    return {
      id,
      ready,
      close,
      resize: ({ columns, rows }) => {
        const size = Buffer.alloc(4);
        size.writeUInt16BE(columns, 0);
        size.writeUInt16BE(rows, 2);
        socket.write(frame('W', size));
      },
      carry: async (input, output) => {
        const typed = (bytes: Buffer): void => {
          let room = true;
          for (let at = 0; at < bytes.length; at += MAX_FRAME) {
            room = socket.write(frame('D', bytes.subarray(at, at + MAX_FRAME)));
          }
          if (room) return;
          input.pause();
          socket.once('drain', () => input.resume());
        };
        input.on('data', typed);
        try {
          for await (const bytes of reader.rest()) {
            if (!output.write(bytes)) await drained(output);
          }
        } finally {
          input.off('data', typed);
          input.pause();
        }
      },
    };
  } catch (error) {
    close();
    throw error;
  }
}

/** One message to the shepherd; `terminal.c` says how they look. */
export function frame(type: 'D' | 'W', payload: Uint8Array): Buffer {
  const header = Buffer.from([type.charCodeAt(0), payload.length >> 8, payload.length & 0xff]);
  return Buffer.concat([header, payload]);
}

function drained(output: Writable): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  output.once('drain', resolve).once('error', reject);
  return promise.finally(() => output.off('drain', resolve).off('error', reject));
}

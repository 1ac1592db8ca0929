import { type Frame, guestFrame, magic, protocolError, protocolVersion } from './frame.ts';
import { PayloadReader, PayloadWriter } from './wire.ts';

/** What the agent said of itself and its guest. */
export interface GuestHello {
  readonly agentVersion: string;
  /** As `uname -r` in the guest. */
  readonly kernelRelease: string;
  /** As `uname -m` in the guest. */
  readonly machine: string;
  readonly capabilities: readonly string[];
  /** Drawn when the agent started; another one means another start of it. */
  readonly instance: bigint;
  /** Seconds from the guest's boot until its agent began to serve. */
  readonly bootSeconds: number;
}

export type GuestMessage =
  | { readonly kind: 'hello'; readonly nonce: Buffer; readonly hello: GuestHello }
  | { readonly kind: 'reply'; readonly id: number; readonly errno: number; readonly items: readonly Buffer[] }
  | { readonly kind: 'started'; readonly id: number; readonly pid: number; readonly credit: number }
  | { readonly kind: 'output'; readonly id: number; readonly channel: 1 | 2; readonly bytes: Buffer }
  | { readonly kind: 'credit'; readonly id: number; readonly bytes: number }
  | { readonly kind: 'exit'; readonly id: number; readonly end: ProcessEnd }
  | { readonly kind: 'failed'; readonly id: number; readonly errno: number; readonly step: string }
  | { readonly kind: 'error'; readonly id: number; readonly errno: number; readonly text: string };

export type ProcessEnd = { readonly code: number } | { readonly signal: number };

/** @throws VtorqueError `E_GUEST_PROTOCOL` for a frame that no agent of this version sends */
export function readGuestFrame({ type, id, payload }: Frame): GuestMessage {
  const r = new PayloadReader(payload);
  const message = readPayload(type, id, r, payload);
  if (message === undefined || r.bad || r.rest().length > 0) protocolError(`its frame of type ${type} cannot be read`);
  return message;
}

function readPayload(type: number, id: number, r: PayloadReader, payload: Buffer): GuestMessage | undefined {
  switch (type) {
    case guestFrame.hello:
      return readHello(r);
    case guestFrame.reply:
      return { kind: 'reply', id, errno: r.u32(), items: r.list() };
    case guestFrame.started:
      return { kind: 'started', id, pid: r.u32(), credit: r.u32() };
    case guestFrame.stdout:
    case guestFrame.stderr:
      r.rest();
      return { kind: 'output', id, channel: type === guestFrame.stdout ? 1 : 2, bytes: payload };
    case guestFrame.credit:
      return { kind: 'credit', id, bytes: r.u32() };
    case guestFrame.exit: {
      const killed = r.u8() !== 0;
      const value = r.u32();
      return { kind: 'exit', id, end: killed ? { signal: value } : { code: value } };
    }
    case guestFrame.failed:
      return { kind: 'failed', id, errno: r.u32(), step: r.rest().toString() };
    case guestFrame.error:
      return { kind: 'error', id, errno: r.u32(), text: r.rest().toString() };
    default:
      return undefined;
  }
}

function readHello(r: PayloadReader): GuestMessage {
  const same = r.take(magic.length).equals(magic);
  const version = r.u16();
  if (!same || version !== protocolVersion) protocolError(`it speaks version ${version}, not ${protocolVersion}`);
  const nonce = r.take(16);
  const instance = r.u64();
  const bootSeconds = Number(r.u64()) / 1e9;
  const [agentVersion = '', kernelRelease = '', machine = '', ...capabilities] = r.list().map(String);
  return {
    kind: 'hello',
    nonce,
    hello: { agentVersion, kernelRelease, machine, capabilities, instance, bootSeconds },
  };
}

/** HELLO of the host. `reset` ends the programs and calls of a former session. */
export function helloPayload(nonce: Uint8Array, reset: boolean): Buffer {
  return new PayloadWriter()
    .bytes(magic)
    .u16(protocolVersion)
    .u16(reset ? 1 : 0)
    .bytes(nonce)
    .done();
}

/** A call that is `chained` runs only if those before it, back to the nearest that is not, succeeded. */
export function callPayload(name: string, args: readonly (string | Uint8Array)[], chained: boolean): Buffer {
  return new PayloadWriter()
    .u8(chained ? 1 : 0)
    .list([name, ...args])
    .done();
}

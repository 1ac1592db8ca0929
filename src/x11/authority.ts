import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** One entry of an X authority file (Xau(3)): the secret of a display. */
export interface AuthorityEntry {
  readonly family: number;
  /** Of the display's host, in the form of the family: a host name, or the bytes of an IP address. */
  readonly address: Buffer;
  /** Of the display, in digits; empty: any. */
  readonly number: string;
  /** For instance `MIT-MAGIC-COOKIE-1`. */
  readonly protocol: string;
  readonly data: Buffer;
}

/** Kinds of addresses, by the numbers of Xau and X. */
export const family = { internet: 0, internet6: 6, local: 256, wild: 65_535 } as const;

/** The entries of an authority file, as far as they are whole. */
export function parseAuthority(bytes: Buffer): AuthorityEntry[] {
  const entries: AuthorityEntry[] = [];
  let at = 0;
  const field = (): Buffer | undefined => {
    if (at + 2 > bytes.length) return undefined;
    const start = at + 2;
    at = start + bytes.readUInt16BE(at);
    return at > bytes.length ? undefined : bytes.subarray(start, at);
  };
  while (at + 2 <= bytes.length) {
    const kind = bytes.readUInt16BE(at);
    at += 2;
    const [address, number, protocol, data] = [field(), field(), field(), field()];
    if (address === undefined || number === undefined || protocol === undefined || data === undefined) break;
    entries.push({
      family: kind,
      address,
      number: number.toString('latin1'),
      protocol: protocol.toString('latin1'),
      data,
    });
  }
  return entries;
}

/** The bytes of an authority file. */
export function formatAuthority(entries: readonly AuthorityEntry[]): Buffer {
  const u16 = (value: number): Buffer => Buffer.from([value >> 8, value & 0xff]);
  const field = (bytes: Buffer): Buffer[] => [u16(bytes.length), bytes];
  return Buffer.concat(
    entries.flatMap(({ family: kind, address, number, protocol, data }) => [
      ...[u16(kind), ...field(address), ...field(Buffer.from(number, 'latin1'))],
      ...[...field(Buffer.from(protocol, 'latin1')), ...field(data)],
    ]),
  );
}

type Env = Readonly<Record<string, string | undefined>>;

/** The entries of the user's authority file; none when there is no such file. */
export async function readAuthority({ XAUTHORITY, HOME }: Env): Promise<AuthorityEntry[]> {
  const path = XAUTHORITY || (HOME ? join(HOME, '.Xauthority') : undefined);
  const bytes = path === undefined ? undefined : await readFile(path).catch(() => undefined);
  return bytes === undefined ? [] : parseAuthority(bytes);
}

/**
 * An authority file for a display of this host name, which clients look up in different ways: as an entry of the host,
 * or as one that holds for any address.
 */
export function authorityFile(host: string, number: number, protocol: string, data: Buffer): Buffer {
  const entry = { number: String(number), protocol, data };
  return formatAuthority([
    { ...entry, family: family.local, address: Buffer.from(host) },
    { ...entry, family: family.wild, address: Buffer.alloc(0) },
  ]);
}

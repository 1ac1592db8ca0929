import { lookup } from 'node:dns/promises';
import { connect, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { type AuthorityEntry, family } from './authority.ts';

/** An X display as `DISPLAY` names it. */
export interface Display {
  /** Empty: this machine, over its Unix socket. */
  readonly host: string;
  readonly number: number;
  readonly screen: number;
}

/** The TCP port of display 0. */
export const FIRST_PORT = 6000;
const MAX_NUMBER = 65_535 - FIRST_PORT;

/** The display that a text names: `:0`, `unix:0.1`, `host:10.0`; undefined when it names none. */
export function parseDisplay(text: string): Display | undefined {
  const [, host = '', number = '', screen = '0'] =
    /^(?:(?:unix|local|tcp|inet6?)\/)?([^:/]*|\[[0-9a-f:]+\]):(\d{1,5})(?:\.(\d{1,5}))?$/i.exec(text) ?? [];
  if (number === '' || Number(number) > MAX_NUMBER) return undefined;
  const name = host.replace(/^\[(.*)\]$/, '$1');
  return { host: name === 'unix' ? '' : name, number: Number(number), screen: Number(screen) };
}

/** Connect to the display's server; the socket's own events tell whether that worked. */
export function connectDisplay({ host, number }: Display): Socket {
  // Each side may have ended and still be read from.
  const options = { allowHalfOpen: true, noDelay: true };
  if (host === '') return connect({ path: `/tmp/.X11-unix/X${number}`, ...options });
  return connect({ host, port: FIRST_PORT + number, ...options });
}

type Address = Pick<AuthorityEntry, 'family' | 'address'>;

/** In which addresses the display's cookie may be filed. */
async function addressesOf({ host }: Display): Promise<Address[]> {
  const own = { family: family.local, address: Buffer.from(hostname()) };
  if (host === '' || host === 'localhost' || host === hostname()) return [own];
  const found = await lookup(host, { all: true }).catch(() => []);
  return found.flatMap(({ address }): Address[] => {
    if (address === '::1' || address.startsWith('127.')) return [own];
    const bytes = addressBytes(address);
    return [{ family: bytes.length === 4 ? family.internet : family.internet6, address: bytes }];
  });
}

/** The bytes of an IP address in the network's order. */
function addressBytes(address: string): Buffer {
  if (!address.includes(':')) return Buffer.from(address.split('.').map(Number));
  const [head = '', tail] = address.replace(/%.*/, '').split('::');
  const words = (text: string): number[] =>
    text === '' ? [] : text.split(':').map((word) => Number.parseInt(word, 16));
  const [first, last] = [words(head), words(tail ?? '')];
  const all = [...first, ...Array<number>(Math.max(0, 8 - first.length - last.length)).fill(0), ...last];
  return Buffer.from(all.flatMap((word) => [word >> 8, word & 0xff]));
}

export const COOKIE_PROTOCOL = 'MIT-MAGIC-COOKIE-1';

/** The cookie of a display among the entries of a user's authority file; undefined when there is none. */
export async function cookieOf(display: Display, entries: readonly AuthorityEntry[]): Promise<Buffer | undefined> {
  const addresses = await addressesOf(display);
  const found = entries.find(
    ({ family: kind, address, number, protocol }) =>
      protocol === COOKIE_PROTOCOL &&
      (number === '' || number === String(display.number)) &&
      (kind === family.wild || addresses.some((own) => own.family === kind && own.address.equals(address))),
  );
  return found?.data;
}

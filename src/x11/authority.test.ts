import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { authorityFile, family, formatAuthority, parseAuthority, readAuthority } from './authority.ts';
import { COOKIE_PROTOCOL, cookieOf, type Display, parseDisplay } from './display.ts';

const bytes = fc.uint8Array({ maxLength: 40 }).map((array) => Buffer.from(array));
const entry = fc.record(
  {
    family: fc.nat(65_535),
    address: bytes,
    number: fc.stringMatching(/^\d{0,5}$/),
    protocol: fc.constantFrom('MIT-MAGIC-COOKIE-1', 'XDM-AUTHORIZATION-1', ''),
    data: bytes,
  },
  { noNullPrototype: true },
);

test('an authority file reads as it was written, and one that was cut as far as it is whole', () => {
  fc.assert(
    fc.property(fc.array(entry, { maxLength: 5 }), fc.nat(500), (entries, length) => {
      const file = formatAuthority(entries);
      assert.deepEqual(parseAuthority(file), entries);
      const some = parseAuthority(file.subarray(0, length));
      assert.deepEqual(some, entries.slice(0, some.length));
    }),
  );
});

test('an authority file looks as xauth writes it', () => {
  // Written by: xauth -f FILE add box/unix:10 MIT-MAGIC-COOKIE-1 000102030405060708090a0b0c0d0e0f
  const file = Buffer.from(
    '01000003626f78000231300012' + '4d49542d4d414749432d434f4f4b49452d31' + '0010000102030405060708090a0b0c0d0e0f',
    'hex',
  );
  const cookie = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');
  const [own, any, ...others] = parseAuthority(authorityFile('box', 10, COOKIE_PROTOCOL, cookie));
  assert.deepEqual(parseAuthority(file), [own]);
  assert.deepEqual([any?.family, any?.data, others], [family.wild, cookie, []]);
});

test('the authority file is the one that XAUTHORITY names, else the one at home, else there is none', async () => {
  const home = mkdtempSync(join(tmpdir(), 'vtorque-x11-'));
  try {
    const write = (name: string, number: number): void =>
      writeFileSync(join(home, name), authorityFile('box', number, COOKIE_PROTOCOL, Buffer.from('x')));
    write('.Xauthority', 1);
    write('other', 2);
    const numbers = async (env: Record<string, string>): Promise<string[]> =>
      (await readAuthority(env)).map(({ number }) => number);
    assert.deepEqual(await numbers({ HOME: home }), ['1', '1']);
    assert.deepEqual(await numbers({ HOME: home, XAUTHORITY: join(home, 'other') }), ['2', '2']);
    assert.deepEqual(await numbers({ HOME: home, XAUTHORITY: join(home, 'none') }), []);
    assert.deepEqual(await numbers({}), []);
  } finally {
    rmSync(home, { recursive: true });
  }
});

test('DISPLAY names a host, a number and a screen', () => {
  assert.deepEqual(parseDisplay(':0'), { host: '', number: 0, screen: 0 });
  assert.deepEqual(parseDisplay('unix:1.2'), { host: '', number: 1, screen: 2 });
  assert.deepEqual(parseDisplay('localhost:10.0'), { host: 'localhost', number: 10, screen: 0 });
  assert.deepEqual(parseDisplay('tcp/desk.example:3'), { host: 'desk.example', number: 3, screen: 0 });
  assert.deepEqual(parseDisplay('[fe80::1]:0'), { host: 'fe80::1', number: 0, screen: 0 });
  for (const text of ['', ':', 'desk', ':x', ':0.', ':99999', ':0 x', '/tmp/launchd:0', 'a:b:0']) {
    assert.equal(parseDisplay(text), undefined, text);
  }
});

test('the cookie of a display is the one filed under its host and number', async () => {
  const display = (text: string): Display => parseDisplay(text) ?? assert.fail(text);
  const filed = (
    kind: number,
    address: string | number[],
    number: string,
    data: string,
    protocol = COOKIE_PROTOCOL,
  ) => ({
    ...{ family: kind, address: Buffer.from(address as string), number, protocol, data: Buffer.from(data) },
  });
  const entries = [
    filed(family.local, hostname(), '0', 'none of ours', 'XDM-AUTHORIZATION-1'),
    filed(family.local, 'elsewhere', '0', 'of another host'),
    filed(family.local, hostname(), '0', 'own 0'),
    filed(family.local, hostname(), '10', 'own 10'),
    filed(family.internet, [192, 0, 2, 7], '0', 'far'),
    filed(family.internet6, [0x20, 1, 0xd, 0xb8, ...Array<number>(11).fill(0), 1], '0', 'far6'),
  ];
  const of = async (text: string, all = entries): Promise<string | undefined> =>
    (await cookieOf(display(text), all))?.toString();
  assert.equal(await of(':0'), 'own 0');
  assert.equal(await of(`${hostname()}:0`), 'own 0');
  assert.equal(await of('localhost:10.0'), 'own 10');
  assert.equal(await of('127.0.0.1:10.0'), 'own 10');
  assert.equal(await of('192.0.2.7:0'), 'far');
  assert.equal(await of('[2001:db8::1]:0'), 'far6');
  assert.equal(await of(':1'), undefined);
  assert.equal(await of('192.0.2.8:0'), undefined);
  assert.equal(await of('192.0.2.8:7', [...entries, filed(family.wild, '', '', 'any')]), 'any');
});

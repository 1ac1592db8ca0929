import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { compileProgram } from '../../process/index.ts';

/** Reads frames in hexadecimal digits, one a line, and says of each whether it may leave. */
const harness = `
#include "${join(import.meta.dirname, 'jobnet.h')}"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
void fail(enum exit_code code, const char *format, ...) { (void)format; exit(code); }
long number(const char *text, long min, long max) { (void)min; (void)max; return atol(text); }
int main(void) {
  struct subnet subnet = read_subnet("172.31.0.0/24");
  char line[4096];
  while (fgets(line, sizeof line, stdin)) {
    size_t length = strcspn(line, "\\n") / 2;
    unsigned char *frame = malloc(length + (length == 0));
    for (size_t i = 0; i < length; i++) { unsigned byte; sscanf(line + 2 * i, "%2x", &byte); frame[i] = (unsigned char)byte; }
    putchar(may_leave(&subnet, frame, length) ? 'y' : 'n');
    free(frame);
  }
}`;

let dir: string;
let program: string;

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'vtt-gate-'));
  await writeFile(join(dir, 'harness.c'), harness);
  const sources = [join(dir, 'harness.c'), join(import.meta.dirname, 'gate.c')];
  const flags = ['-O1', '-g', '-fsanitize=address,undefined', '-fno-sanitize-recover=all'];
  program = await compileProgram({ name: 'gate', sources, flags }, dir);
});

after(() => rm(dir, { recursive: true, force: true }));

const mayLeave = (frames: readonly Buffer[]): boolean[] => {
  const input = frames.map((frame) => `${frame.toString('hex')}\n`).join('');
  return [...execFileSync(program, { input, encoding: 'utf8' })].map((word) => word === 'y');
};

interface Packet {
  readonly mac: string;
  readonly from: string;
  readonly to: string;
  readonly protocol: number;
  readonly port: number;
  readonly fragment: number;
  readonly head: number;
  readonly type: number;
}

const usual: Packet = {
  mac: '52:55:ac:1f:00:02',
  from: '172.31.0.16',
  to: '192.0.2.1',
  protocol: 6,
  port: 80,
  fragment: 0,
  head: 0x45,
  type: 0x0800,
};

const everybody = 'ff:ff:ff:ff:ff:ff';

function frame(packet: Partial<Packet>): Buffer {
  const { mac, from, to, protocol, port, fragment, head, type } = { ...usual, ...packet };
  const bytes = Buffer.alloc(10 + 14 + 20 + 20);
  bytes.set(Buffer.from(mac.replaceAll(':', ''), 'hex'), 10);
  bytes.writeUInt16BE(type, 22);
  bytes.writeUInt8(head, 24);
  bytes.writeUInt16BE(fragment, 30);
  bytes.writeUInt8(protocol, 33);
  bytes.set(from.split('.').map(Number), 36);
  bytes.set(to.split('.').map(Number), 40);
  bytes.writeUInt16BE(port, 46);
  return bytes;
}

test('what is for outside leaves, and questions to the name server', () => {
  const may = [
    {},
    { to: '8.8.8.8', protocol: 17 },
    { to: '10.0.0.1', protocol: 1 },
    { to: '223.255.255.255' },
    { fragment: 0x2010 },
    { mac: '52:55:ac:1f:00:03' },
  ];
  const dns = [
    { to: '172.31.0.3', port: 53 },
    { to: '172.31.0.3', port: 53, protocol: 17 },
    { to: '172.31.0.2', protocol: 1 },
  ];
  assert.deepEqual(
    mayLeave([...may, ...dns].map(frame)),
    [...may, ...dns].map(() => true),
  );
  const arp = [{ type: 0x0806 }, { type: 0x0806, mac: everybody }];
  assert.deepEqual(mayLeave(arp.map(frame)), [true, true]);
});

test('what is sent to all, or to another, does not leave: the gates of all nodes would let it out', () => {
  const others = [everybody, '02:76:00:00:00:01', '52:55:ac:1f:00:04', '52:54:ac:1f:00:02', '01:00:5e:01:02:03'];
  const packets = others.map((mac) => ({ mac }));
  const arp = others.slice(1).map((mac) => ({ mac, type: 0x0806 }));
  assert.deepEqual(
    mayLeave([...packets, ...arp].map(frame)),
    [...packets, ...arp].map(() => false),
  );
});

test('nothing leaves that the node itself would take, or that says a destination in another way', () => {
  const mayNot: Partial<Packet>[] = [
    ...['127.0.0.1', '127.255.0.9', '0.0.0.0', '0.1.2.3', '224.0.0.1', '255.255.255.255', '240.0.0.1'].map((to) => ({
      to,
    })),
    ...['172.31.0.0', '172.31.0.1', '172.31.0.2', '172.31.0.3', '172.31.0.17', '172.31.0.255'].map((to) => ({ to })),
    ...[
      { to: '172.31.0.3', port: 53, fragment: 0x2001 },
      { to: '172.31.0.3', port: 53, protocol: 132 },
    ],
    ...[{ from: '127.0.0.1' }, { from: '172.31.1.16' }, { from: '0.0.0.0' }, { from: '192.0.2.1' }],
    ...[{ head: 0x46 }, { head: 0x4f }, { head: 0x65 }, { head: 0x44 }],
    ...[{ type: 0x86dd }, { type: 0x8100 }, { type: 0x88a8 }, { type: 0 }],
  ];
  assert.deepEqual(
    mayLeave(mayNot.map(frame)),
    mayNot.map(() => false),
  );
});

test('whatever a frame is, and however short, only such packets leave', () => {
  const some = fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes));
  const octet = fc.oneof(fc.constantFrom(0, 2, 3, 31, 127, 172, 224), fc.nat(255));
  const address = fc.tuple(octet, octet, octet, octet).map((parts) => parts.join('.'));
  const packet = fc
    .record({
      from: fc.oneof(address, fc.constant(usual.from)),
      to: address,
      protocol: octet,
      port: fc.constantFrom(53, 80),
    })
    .chain((each) => fc.nat(64).map((length) => frame(each).subarray(0, length)));
  fc.assert(
    fc.property(fc.array(fc.oneof(some, packet), { minLength: 1, maxLength: 200 }), (frames) => {
      for (const [at, may] of mayLeave(frames).entries()) {
        const bytes = frames[at] as Buffer;
        if (!may || bytes.readUInt16BE(22) === 0x0806) continue;
        assert.match(bytes.subarray(10, 16).toString('hex'), /^5255ac1f000[23]$/);
        const [first = 0] = bytes.subarray(40, 44);
        assert.ok(![0, 127].includes(first) && first < 224, bytes.toString('hex'));
        assert.equal(bytes.subarray(36, 39).toString('hex'), 'ac1f00');
        assert.equal(bytes[24], 0x45);
      }
    }),
    { numRuns: 30 },
  );
});

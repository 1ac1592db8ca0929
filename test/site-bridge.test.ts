// Taps that root's hooks put into a bridge of the site, whose VMs are machines in its network: what a guest may send there, who gets one.
import assert from 'node:assert/strict';
import { chmod, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { isRefused } from '../src/network/prepared/index.ts';
import { noNetworks } from './support/configured-node.ts';
import {
  arpRequest,
  expectNothing,
  frame,
  type Machine,
  type Machines,
  someMachines,
  udp,
} from './support/machines.ts';
import { expectNoResidue, lookForResidue, type Residue } from './support/residue.ts';
import { aUser, type TestUser } from './support/users.ts';

describe('in the bridge of the site', { skip: noNetworks }, () => {
  let clean: Residue;
  let made: Machines;
  let three: Machine;
  let ann: TestUser;
  let bob: TestUser;
  const A = '02:76:00:00:00:00';
  const B = '02:76:00:00:00:01';
  const site = { bridge: 'br0', script: undefined, users: ['*'] };
  const taps = async (jobId: string, changes: Partial<typeof site> | { script: string } = {}, owner = ann) => {
    const settings = { job: undefined, site: { ...site, ...changes } };
    await three.prepare({ jobId, owner, nodes: [three.address], settings });
    const found = await three.siteTaps(jobId);
    assert.ok(found !== undefined);
    return found;
  };
  before(async () => {
    clean = await lookForResidue();
    made = someMachines(1550);
    [, , three] = made.machines;
    ann = aUser();
    bob = aUser();
    await three.run(['ip', 'link', 'add', 'br0', 'type', 'bridge', 'forward_delay', '0']);
    await three.run(['ip', 'link', 'set', 'br0', 'up']);
    await three.run(['ip', 'tuntap', 'add', 'dev', 'lan', 'mode', 'tap', 'user', String(bob.uid)]);
    await three.run(['ip', 'link', 'set', 'lan', 'master', 'br0', 'up']);
  });
  after(async () => {
    await expectNothing(made, [three]);
    for (const user of [ann, bob]) user[Symbol.dispose]();
    await made[Symbol.asyncDispose]();
    await expectNoResidue(clean);
  });

  test('a guest is seen with its own hardware address only, and is no server of addresses', async () => {
    const found = await taps('40');
    assert.ok(!isRefused(found));
    const [{ ifname, mac } = { ifname: '', mac: '' }] = found.taps;
    assert.equal(new Set(found.taps.map((each) => each.mac)).size, 2);
    await using lan = await three.open(bob, 'lan', 'gateway');
    await using guest = await three.open(ann, ifname);
    const attack = (): void => {
      guest.send(
        frame(A, 'forged source'),
        frame(mac, 'forged', { type: 0x0806, payload: arpRequest(A, '10.0.0.1', '10.0.0.2') }),
        frame(mac, '', { type: 0x0800, payload: udp('10.0.0.1', '255.255.255.255', [67, 68], 'forged offer') }),
        frame(mac, 'forged tag', { type: 0x8100, payload: Buffer.from([0, 5, 0x88, 0xb5]) }),
        frame(mac, 'forged tree', { to: '01:80:c2:00:00:00', type: 0x0027 }),
      );
    };
    attack();
    guest.send(frame(mac, 'honest'));
    await lan.got('honest');
    assert.ok(!lan.frames.some((each) => each.includes('forged')));
    lan.send(frame(B, 'answer', { to: mac }));
    await guest.got('answer');
    await three.run(['nft', 'flush', 'ruleset']);
    attack();
    for (const text of ['forged source', 'forged offer', 'forged tag', 'forged tree']) await lan.got(text);
    await three.release('40');
  });

  test('two jobs of a node have different hardware addresses, and the next ones the same again', async () => {
    const macs = async (jobId: string) => {
      const found = await taps(jobId);
      assert.ok(!isRefused(found));
      return found.taps.map(({ mac }) => mac);
    };
    const first = await macs('41');
    const second = await macs('42');
    assert.equal(new Set([...first, ...second]).size, 4);
    await three.release('41');
    assert.deepEqual(await macs('42'), second);
    assert.deepEqual(await macs('43'), first);
    for (const jobId of ['42', '43']) await three.release(jobId);
  });

  test('the script of the site tells hardware addresses, as long as there are some', async () => {
    const script = join(made.directory, 'macs');
    await writeFile(script, '#!/bin/sh\necho "52:54:00:0$2:00:0$3"\n');
    await chmod(script, 0o755);
    const found = await taps('44', { script });
    assert.ok(!isRefused(found));
    assert.deepEqual(
      found.taps.map(({ mac }) => mac),
      ['52:54:00:02:00:00', '52:54:00:02:00:01'],
    );
    assert.deepEqual(await taps('45', { script }), { refused: 'other jobs have all 2 addresses of this node' });
    await writeFile(script, '#!/bin/sh\necho "$1" is unknown >&2; exit 3\n');
    await three.release('44');
    const failed = await taps('46', { script });
    assert.match('refused' in failed ? failed.refused : '', /10\.99\.0\.3 is unknown/);
    await writeFile(script, '#!/bin/sh\necho 01:00:5e:00:00:01\n');
    assert.deepEqual(await taps('47', { script }), {
      refused: '"01:00:5e:00:00:01" is no hardware address of a machine',
    });
    await chmod(script, 0o757);
    assert.match(JSON.stringify(await taps('48', { script })), /others than root may change/);
    const open = join(made.directory, 'open');
    await mkdir(open);
    await chmod(open, 0o777);
    await writeFile(join(open, 'macs'), '#!/bin/sh\necho 52:54:00:00:00:01\n', { mode: 0o755 });
    assert.match(
      JSON.stringify(await taps('49', { script: join(open, 'macs') })),
      /others than root may change the script, .*open.* may be written by others \(mode 777\)/,
    );
    for (const jobId of ['45', '46', '47', '48', '49']) await three.release(jobId);
  });

  test('those whom the site does not allow it get none', async () => {
    assert.match(JSON.stringify(await taps('49', { users: [bob.name] })), /does not allow br0/);
    assert.ok(!isRefused(await taps('50', { users: [bob.name] }, bob)));
    const { stdout } = await three.run(['id', '-gn', '--', ann.name]);
    assert.ok(!isRefused(await taps('51', { users: [`@${stdout.trim()}`] })));
    assert.match(JSON.stringify(await taps('52', { bridge: 'lan' })), /\\"lan\\" is no bridge/);
    for (const jobId of ['49', '50', '51', '52']) await three.release(jobId);
  });
});

import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { networkChecks } from './networks.ts';

const missing = ['ip', 'bridge', 'nft'].filter((tool) => spawnSync(tool, ['-V']).error !== undefined);
const skip = missing.length > 0 ? `no ${missing.join(', ')} here` : false;

/** As an ordinary user, who may name a configuration of his own. */
async function examined(...lines: readonly string[]): Promise<string[]> {
  const directory = await mkdtemp(join(tmpdir(), 'vtt-doctor-'));
  try {
    const VTORQUE_CONFIG = join(directory, 'config.toml');
    await writeFile(VTORQUE_CONFIG, ['[network]', ...lines, ''].join('\n'));
    const deps = { env: { VTORQUE_CONFIG }, uid: 1000, gid: 1000, places: [], torqueHome: directory };
    const found = (await networkChecks[0]?.run(deps)) ?? [];
    return found.map(({ severity, text }) => `${severity}: ${text}`);
  } finally {
    await rm(directory, { recursive: true });
  }
}

test('nothing is said of networks that no hook is to prepare', async () => {
  assert.deepEqual(await examined('job = "off"'), []);
});

test('what a hook would refuse is said before', { skip }, async () => {
  const [bridge, device, ...more] = await examined('job = "vxlan"', 'vxlan_interface = "none0"', 'bridge = "none1"');
  assert.equal(bridge, 'error: "none1" is no bridge of this node');
  assert.match(device ?? '', /^warning: there is no device "none0": jobs have the network that needs no root/);
  assert.deepEqual(more, []);
  assert.deepEqual(await examined('job = "vxlan"'), ['ok: the VXLAN takes the device that leads to the other nodes']);
});

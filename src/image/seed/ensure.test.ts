import assert from 'node:assert/strict';
import { chmod, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { aSite } from '../test-support.ts';
import { ensureSeed } from './ensure.ts';

const network = { mac: '52:54:00:00:00:01', address: '10.0.2.15/24', gateway: '10.0.2.2', dns: '10.0.2.3' };

async function aSiteWithAgent() {
  const site = await aSite();
  const agent = join(site.dir, 'agent');
  await writeFile(agent, 'the agent');
  return { ...site, agent, options: { places: [site.places], uid: process.getuid?.() ?? 0, agent, network } };
}

test('ensureSeed() makes a seed once, for all guests', async () => {
  await using site = await aSiteWithAgent();
  const path = await ensureSeed(site.options);
  const seed = await readFile(path, 'latin1');
  for (const part of ['#cloud-config', 'the agent', network.mac, network.address]) assert.ok(seed.includes(part), part);
  assert.equal(await ensureSeed(site.options), path);
});

test('ensureSeed() makes another one for another agent, and for a guest without a network', async () => {
  await using site = await aSiteWithAgent();
  const paths = [await ensureSeed(site.options), await ensureSeed({ ...site.options, network: undefined })];
  await writeFile(site.agent, 'a newer agent');
  assert.equal(new Set([...paths, await ensureSeed(site.options)]).size, 3);
});

test('ensureSeed() uses no seed that others may write, but makes it again', async () => {
  await using site = await aSiteWithAgent();
  const path = await ensureSeed(site.options);
  await writeFile(path, 'something else');
  await chmod(path, 0o666);
  assert.equal(await ensureSeed(site.options), path);
  assert.ok((await readFile(path, 'latin1')).includes('the agent'));
});

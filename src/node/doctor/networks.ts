import { access, constants } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../base/index.ts';
import { planJobNetwork, readLinks } from '../../network/prepared/index.ts';
import { ROOTS_PATH } from '../../process/index.ts';
import { loadConfig } from '../../site/config/load.ts';
import { firstUserPort, refuseFilteredBridges } from '../network/machine.ts';
import { type NetworkSettings, networkSettings } from '../network/settings.ts';
import { type Check, type DoctorDeps, error, fine, warning } from './finding.ts';

type Found = Awaited<ReturnType<Check['run']>>;

/** What root is to prepare of networks on a node. Nothing is said where the site has not asked for any. */
export const networkChecks: readonly Check[] = [{ name: 'prepared networks', roles: ['node'], run: networks }];

const WITHOUT = 'jobs have the network that needs no root';
const PAGE = 'See "With root hooks" in docs/network.md';
/** An address of nobody's, for documentation (RFC 5737). */
const SOMEBODY = '192.0.2.1';

async function networks({ env, uid }: DoctorDeps): Promise<Found> {
  // That the configuration cannot be read, another check says.
  const config = await loadConfig(env, uid).catch(() => undefined);
  const settings = config && networkSettings(config, hostname());
  if (settings === undefined) return [];
  const missing = await missingTools();
  if (missing.length > 0) return [error(`no ${missing.join(', ')}: ${WITHOUT}`, 'Install iproute2 and nftables')];
  try {
    return await lookAt(settings, uid === 0);
  } catch (cause) {
    return [error(messageOf(cause), PAGE)];
  }
}

async function missingTools(): Promise<string[]> {
  const found = await Promise.all(
    ['ip', 'bridge', 'nft'].map(async (tool) => {
      const there = ROOTS_PATH.split(':').map((directory) => access(join(directory, tool), constants.X_OK));
      return Promise.any(there).then(
        () => [],
        () => [tool],
      );
    }),
  );
  return found.flat();
}

/** As a hook would, for a job over two nodes. */
async function lookAt({ job, site, vms }: NetworkSettings, isRoot: boolean): Promise<Found> {
  const links = await readLinks();
  const found: Found[number][] = [];
  if (site !== undefined) {
    const kind = links.find(({ name }) => name === site.bridge)?.kind;
    const text = `"${site.bridge}" is a bridge of this node`;
    found.push(
      kind === 'bridge'
        ? fine(text)
        : error(`"${site.bridge}" is no bridge of this node`, 'Make it, or change network.bridge'),
    );
  }
  if (job === undefined) return found;
  const filtered = isRoot ? await refuseFilteredBridges() : undefined;
  if (filtered !== undefined) found.push(warning(`${filtered.refused}: ${WITHOUT}`, PAGE));
  if (job.underlay === '') return [...found, fine('the VXLAN takes the device that leads to the other nodes')];
  const plan = planJobNetwork({
    ...{ owner: { job: '', place: '' }, vms, mtu: job.mtu, peers: [SOMEBODY], links, reserved: [] },
    ...{ vxlan: job, firstUserPort: await firstUserPort() },
  });
  if ('refused' in plan) found.push(warning(`${plan.refused}: ${WITHOUT}`, PAGE));
  else found.push(fine(`VXLAN on "${job.underlay}" from ${plan.vxlan?.local}, MTU of guests ${plan.mtu}`));
  return found;
}

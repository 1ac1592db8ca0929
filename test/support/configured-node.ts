import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execute } from './cluster.ts';
import { isRoot } from './users.ts';

const tools = ['ip', 'bridge', 'nft'].filter((tool) => spawnSync(tool, ['-V']).error !== undefined);

/** Why root cannot prepare networks here; false if he can. */
export const noNetworks: string | false = !isRoot
  ? 'not root'
  : tools.length > 0
    ? `no ${tools.join(', ')} here`
    : false;

/** A network namespace with a site configuration and a /run of its own. */
export interface ConfiguredNode extends Disposable {
  /** What stands before a command to run it there. */
  readonly inside: readonly string[];
  /** Of the facts for jobs. */
  readonly facts: string;
  /** Its configuration, for who is told to use it by VTORQUE_CONFIG. */
  readonly config: string;
  /** Lines of the table [network]. */
  configure(...lines: readonly string[]): void;
  /** Names of the devices that are jobs'. */
  devices(): Promise<string[]>;
  /** What is there of networks besides devices: tables of rules, facts, records. */
  traces(): Promise<string[]>;
  /** Nothing of any job's network is there. */
  expectNoNetworks(): Promise<void>;
}

export function configuredNode(): ConfiguredNode {
  const namespace = `vtt${randomBytes(3).toString('hex')}`;
  const directory = mkdtempSync('/tmp/vtt-etc-');
  for (const name of ['etc/vtorque', 'work', 'run']) mkdirSync(join(directory, name), { recursive: true });
  execFileSync('ip', ['netns', 'add', namespace]);
  execFileSync('ip', ['-n', namespace, 'link', 'set', 'lo', 'up']);
  const mounts = [
    `mount -t overlay overlay -o lowerdir=/etc,upperdir=${directory}/etc,workdir=${directory}/work /etc`,
    `mount --bind ${directory}/run /run`,
  ];
  const script = `${mounts.join(' && ')} && exec "$@"`;
  const inside = ['ip', 'netns', 'exec', namespace, 'unshare', '-m', 'sh', '-c', script, 'sh'];
  chmodSync(directory, 0o755);
  const config = join(directory, 'etc/vtorque/config.toml');
  const facts = join(directory, 'run/vtorque/jobs');
  const node: ConfiguredNode = {
    ...{ inside, facts, config },
    configure: (...lines) => writeFileSync(config, ['[network]', ...lines, ''].join('\n')),
    devices: async () => {
      const { stdout } = await execute([...inside, 'ip', '-json', 'link', 'show'], {});
      const links = JSON.parse(stdout) as { ifname: string }[];
      return links.map(({ ifname }) => ifname).filter((name) => name.startsWith('vtq'));
    },
    traces: async () => {
      const { stdout } = await execute([...inside, 'nft', 'list', 'tables'], {});
      const tables = stdout.split('\n').filter((line) => line.includes('vtorque'));
      const files = await Promise.all(
        [facts, join(directory, 'run/vtorque/networks')].map((place) => readdir(place).catch(() => [])),
      );
      return [...tables, ...files.flat().filter((file) => file !== '.lock')];
    },
    expectNoNetworks: async () => {
      assert.deepEqual(await node.devices(), []);
      assert.deepEqual(await node.traces(), []);
    },
    [Symbol.dispose]() {
      execFileSync('ip', ['netns', 'delete', namespace]);
      rmSync(directory, { recursive: true });
    },
  };
  return node;
}

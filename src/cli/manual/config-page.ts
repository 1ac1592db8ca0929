import { vmKeys } from '../../request/index.ts';
import { configKey, configNames } from '../../site/config/index.ts';
import { laterKeys } from '../../site/config/later-keys.ts';
import { systemConfigFile } from '../../site/config-files.ts';
import { vtorqueVersion } from '../version.ts';
import type { Block, ManualPage } from './roff.ts';

/** vtorque-config(5): the site's configuration. */
export function configPage(): ManualPage {
  return {
    name: 'vtorque-config',
    section: 5,
    purpose: "the configuration of a site's virtual machines",
    version: vtorqueVersion(),
    sections: [
      { title: 'SYNOPSIS', blocks: [{ text: `\`${systemConfigFile}\`` }] },
      {
        title: 'DESCRIPTION',
        blocks: [
          {
            text: 'Nothing needs to be configured. What a site wants otherwise stands in one TOML file, the same on submit hosts and nodes: `vsub` reads it where jobs are submitted, the launcher where they run.',
          },
          {
            text: 'Tables below `[queues.NAME]` hold for jobs of that queue, those below `[nodes."PATTERN"]` on nodes whose names fit. A queue beats the site; of several patterns that fit a node the last one counts. Patterns know `*` and `?`.',
          },
          {
            text: '`vtorque config check` finds every mistake in a file, `vtorque config show` prints what holds and where it comes from.',
          },
        ],
      },
      { title: 'KEYS', blocks: tables() },
      {
        title: 'DEFAULTS',
        blocks: [
          {
            text: 'The table `[defaults]`, also `[queues.NAME.defaults]`, has values for keys of `-vm` that nobody else gives, as on the command line: see vsub(1). Its keys:',
          },
          { text: `${vmKeys.map(({ name }) => name).join(', ')}.` },
        ],
      },
      {
        title: 'KEYS WITHOUT EFFECT IN THIS VERSION',
        blocks: [{ items: Object.entries(laterKeys).map(([name, { doc }]) => [name, doc]) }],
      },
      {
        title: 'EXAMPLE',
        blocks: [
          {
            code: [
              '[policy]',
              'max_ram = "64G"',
              'user_images = false',
              '',
              '[defaults]',
              'img = "debian-12"',
              '',
              '[queues.big.policy]',
              'max_ram = "512G"',
            ],
          },
        ],
      },
      { title: 'SEE ALSO', blocks: [{ text: '`vtorque`(1), `vsub`(1)' }] },
    ],
  };
}

function tables(): Block[] {
  const names = [...new Set(configNames.map((name) => name.split('.')[0] ?? ''))];
  return names.flatMap((table): Block[] => [
    { heading: `[${table}]` },
    {
      items: configNames
        .filter((name) => name.startsWith(`${table}.`))
        .map((name) => {
          const { type, default: fallback, scope, doc } = configKey(name);
          const value = type.unit === undefined ? type.syntax : `${type.syntax}, ${type.unit}`;
          const holders = scope === 'site' ? 'the site' : `the site or a ${scope}`;
          return [
            `${name.slice(table.length + 1)} = ${type.write(fallback)}`,
            `${doc} Value: ${value}. For ${holders}.`,
          ];
        }),
    },
  ]);
}

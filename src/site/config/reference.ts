import { vmKeys } from '../../request/index.ts';
import { configKey, configNames } from './keys.ts';
import { defaultsOf2018, goneKeys, laterKeys } from './later-keys.ts';

/** The reference part of docs/configuration.md, from the tables. */
export function configReference(): string {
  return [...effective(), ...defaults(), ...later(), ...gone()].join('\n');
}

function effective(): string[] {
  const tables = [...new Set(configNames.map((name) => name.split('.')[0] ?? ''))];
  return tables.flatMap((table) => [
    `### [${table}]`,
    '',
    '| key | value | default | for | what it is | 2018 |',
    '|---|---|---|---|---|---|',
    ...configNames
      .filter((name) => name.startsWith(`${table}.`))
      .map((name) => {
        const { type, default: fallback, scope, doc, was } = configKey(name);
        const value = type.unit === undefined ? type.syntax : `${type.syntax}; ${type.unit}`;
        const holders = scope === 'site' ? 'site' : `site, ${scope}`;
        return row([
          code(name.slice(table.length + 1)),
          value,
          code(type.write(fallback)),
          holders,
          doc,
          was.map(code).join(' '),
        ]);
      }),
    '',
  ]);
}

function defaults(): string[] {
  const was = Object.entries(defaultsOf2018);
  return [
    '### [defaults]',
    '',
    'Values for keys of `-vm` that nobody else gives; for the site and for queues. Texts as on the command line, numbers and',
    'booleans also without quotes; `env` and `mount` as lists.',
    '',
    '| key | value | in effect | 2018 |',
    '|---|---|---|---|',
    ...vmKeys.map(({ name, type, availability }) =>
      row([
        code(name),
        code(type.syntax),
        availability === 'now' ? 'yes' : 'not in this version',
        was
          .filter(([, key]) => key === name)
          .map(([old]) => code(old))
          .join(' '),
      ]),
    ),
    '',
  ];
}

function later(): string[] {
  return [
    '### Without effect in this version',
    '',
    'These are known: they may stand in the file, and `vtorque config check` says that they do nothing yet.',
    '',
    '| key | what it will be | 2018 |',
    '|---|---|---|',
    ...Object.entries(laterKeys).map(([name, { doc, was }]) => row([code(name), doc, was.map(code).join(' ')])),
    '',
  ];
}

function gone(): string[] {
  return [
    '### Keys of 2018 that are no longer needed',
    '',
    '| 2018 | because |',
    '|---|---|',
    ...Object.entries(goneKeys).map(([name, reason]) => row([code(name), reason])),
    '',
  ];
}

function code(text: string): string {
  return `\`${text}\``;
}

function row(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

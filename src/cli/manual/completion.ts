import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { shellWord } from '../../base/index.ts';
import { imagePools } from '../../image/catalogue.ts';
import { qsubOptions } from '../../pbs/index.ts';
import { availableKeys, type KeySpec } from '../../request/index.ts';
import { systemConfigFile } from '../../site/config-files.ts';
import { systemPlaces } from '../../site/index.ts';
import { pathOf } from '../help-layout.ts';
import { buildable } from '../image/build.ts';
import { vmgrProgram } from '../vmgr.ts';
import { ownOptions } from '../vsub/own-options.ts';
import { vtorqueProgram } from '../vtorque.ts';

/** The completion for bash: its functions are in completion.bash, its tables are made here. */
export function completionScript(): string {
  const template = readFileSync(new URL('completion.bash', import.meta.url), 'utf8');
  return template.replace('@TABLES@', () => [...variables(), ...functions()].join('\n'));
}

function variables(): string[] {
  const [pool = ''] = imagePools([systemPlaces]);
  const own = ownOptions.flatMap(({ words }) => words);
  const ownValued = ownOptions.flatMap(({ words, value }) => (value === undefined ? [] : words));
  const letters = qsubOptions.map(({ letter }) => `-${letter}`);
  const valued = qsubOptions.flatMap(({ letter, value }) => (value === undefined ? [] : [`-${letter}`]));
  return [
    assign('_vtorque_system_pool', [pool]),
    assign('_vtorque_config', [systemConfigFile]),
    assign('_vtorque_recipes', buildable()),
    assign(
      '_vtorque_keys',
      availableKeys.map(({ name }) => `${name}=`),
    ),
    assign('_vtorque_vsub_options', [...own, ...letters]),
    assign('_vtorque_vsub_valued', [...ownValued, ...valued]),
  ];
}

function functions(): string[] {
  const keys = availableKeys.map((key): [string, string] => [key.name, `kind=${shellWord(kindOfKey(key))}`]);
  const options = qsubOptions.flatMap(({ letter, value }): [string, string][] =>
    value === undefined ? [] : [[`-${letter}`, `kind=${shellWord(kindOfValue(value))}`]],
  );
  const commands = [vmgrProgram(), vtorqueProgram()]
    .flatMap(withAllBelow)
    .map((command): [string, string] => [pathOf(command), commandTables(command)]);
  return [
    ...choice('_vtorque_key_kind', keys, 'kind='),
    ...choice('_vtorque_vsub_kind', options, 'kind='),
    ...choice('_vtorque_command', commands, 'commands= options= valued= arguments='),
  ];
}

/** A function that sets variables by its first argument. */
function choice(name: string, rows: readonly (readonly [string, string])[], otherwise: string): string[] {
  return [
    '',
    `${name}() {`,
    '  case $1 in',
    ...rows.map(([pattern, assignments]) => `    ${shellWord(pattern)}) ${assignments} ;;`),
    `    *) ${otherwise} ;;`,
    '  esac',
    '}',
  ];
}

function commandTables(command: Command): string {
  const valued = command.options.filter(({ required }) => required);
  const isProgram = command.parent === null;
  return [
    assign('commands', [...command.commands.map((each) => each.name())]),
    assign('options', [
      ...command.options.flatMap(({ long, short }) => (isProgram ? [short, long] : [long])).filter((each) => each),
      '--help',
    ] as string[]),
    assign(
      'valued',
      valued.map(
        ({ long, flags, argChoices }) => `${long}:${argChoices?.join('|') ?? /<(.*)>/.exec(flags)?.[1] ?? ''}`,
      ),
    ),
    assign(
      'arguments',
      command.registeredArguments.map((argument) => argument.argChoices?.join('|') ?? argument.name()),
    ),
  ].join(' ');
}

/** How values of a key are completed: by words, by files, by images, or not at all. */
function kindOfKey({ name, type }: KeySpec): string {
  if (name === 'img') return 'image';
  if (type.words !== undefined && type.words.length > 0) return `${type.words.join('|')}|`;
  return /FILE|HOST/.test(type.syntax) ? 'file' : '';
}

/** The same for an option of qsub, by the name of its value. */
function kindOfValue(value: string): string {
  const kinds: Readonly<Record<string, string>> = { path: 'file', dir: 'directory', queue: 'queue' };
  return kinds[value] ?? (value.includes('|') ? value : '');
}

function withAllBelow(command: Command): Command[] {
  return [command, ...command.commands.flatMap(withAllBelow)];
}

function assign(name: string, words: readonly string[]): string {
  return `${name}=${shellWord(words.join(' '))}`;
}

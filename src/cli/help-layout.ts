import type { Command, Help } from 'commander';
import { examplesOf } from './examples.ts';

/** The words that call a command: `vtorque image add`. */
export function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

/** How it is called, after `pathOf`: `[options] <file> [name]`. */
export function usageOf(command: Command): string {
  if (command.commands.length > 0) return 'COMMAND [options]';
  return ['[options]', ...command.registeredArguments.map(argumentTerm)].join(' ');
}

function argumentTerm(argument: Command['registeredArguments'][number]): string {
  const name = `${argument.name()}${argument.variadic ? '...' : ''}`;
  return argument.required ? `<${name}>` : `[${name}]`;
}

/** A description as a sentence. */
export function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;
}

/** The help of a command, laid out for a screen of 80 by 24: columns under headings, and an example. */
export function formatHelp(command: Command, helper: Help): string {
  const isGroup = command.commands.length > 0;
  const groups: [heading: string, rows: [string, string][]][] = isGroup
    ? [['Commands', command.commands.map((each) => [shortTerm(each), each.description()])]]
    : [
        [
          'Arguments',
          command.registeredArguments.map((each) => [argumentTerm(each), helper.argumentDescription(each)]),
        ],
        ['Options', helper.visibleOptions(command).map((each) => [each.flags, helper.optionDescription(each)])],
      ];
  const width = Math.max(...groups.flatMap(([, rows]) => rows.map(([term]) => term.length)));
  const parts = groups
    .filter(([, rows]) => rows.length > 0)
    .map(([heading, rows]) =>
      [`${heading}:`, ...rows.map(([term, text]) => helper.formatItem(term, width, text, helper))].join('\n'),
    );
  const examples = examplesOf(pathOf(command));
  return [
    `Usage: ${pathOf(command)} ${usageOf(command)}\n${helper.boxWrap(sentence(command.description()), 80)}`,
    ...parts,
    ...(examples.length === 0 ? [] : [['Examples:', ...examples.map((line) => `  ${line}`)].join('\n')]),
    ...(isGroup ? [groupFooter(command)] : []),
  ]
    .join('\n\n')
    .concat('\n');
}

/** In a list of commands only what tells them apart. */
function shortTerm(command: Command): string {
  const needed = command.registeredArguments.filter(({ required }) => required);
  return [command.name(), ...needed.map(argumentTerm)].join(' ');
}

function groupFooter(command: Command): string {
  const [program = ''] = pathOf(command).split(' ');
  return `Each command has --help; man ${program} has it all.`;
}

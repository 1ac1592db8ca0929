import type { Command } from 'commander';
import { examplesOf } from '../examples.ts';
import { pathOf, sentence, usageOf } from '../help-layout.ts';
import { vtorqueVersion } from '../version.ts';
import type { Block, ManualPage } from './roff.ts';

/** The page of a command with subcommands, from the definitions by which it runs. */
export function programPage(
  program: Command,
  { purpose, seeAlso }: { readonly purpose: string; readonly seeAlso: string },
): ManualPage {
  const commands = leavesOf(program);
  return {
    name: program.name(),
    section: 1,
    purpose,
    version: vtorqueVersion(),
    sections: [
      {
        title: 'SYNOPSIS',
        blocks: commands.map((command) => ({ text: `\`${pathOf(command)}\` ${usageOf(command)}` })),
      },
      { title: 'DESCRIPTION', blocks: [{ text: program.description() }] },
      { title: 'COMMANDS', blocks: commands.flatMap(commandBlocks) },
      {
        title: 'OPTIONS OF ALL COMMANDS',
        blocks: [
          {
            items: [
              ['-h, --help', 'Print the help of the command.'],
              ...program.options.map(({ flags, description }): [string, string] => [flags, sentence(description)]),
            ],
          },
        ],
      },
      {
        title: 'ENVIRONMENT',
        blocks: [{ items: [['NO_COLOR', 'If not empty, errors have no colours. They have some on terminals only.']] }],
      },
      {
        title: 'EXIT STATUS',
        blocks: [
          {
            items: [
              ['0', 'Done.'],
              ['1', 'Refused, or failed.'],
              ['2', 'Wrong usage.'],
              ['130', 'Interrupted.'],
            ],
          },
        ],
      },
      ...examplesSection(program),
      { title: 'SEE ALSO', blocks: [{ text: seeAlso }] },
    ],
  };
}

/** The commands that do something. */
export function leavesOf(command: Command): readonly Command[] {
  return command.commands.length === 0 ? [command] : command.commands.flatMap(leavesOf);
}

function commandBlocks(command: Command): Block[] {
  const path = pathOf(command).split(' ').slice(1).join(' ');
  const helper = command.createHelp();
  const items: [string, string][] = [
    ...command.registeredArguments.map((each): [string, string] => [
      each.name(),
      sentence(helper.argumentDescription(each)),
    ]),
    ...command.options.map((each): [string, string] => [each.flags, sentence(helper.optionDescription(each))]),
  ];
  return [{ heading: path }, { text: sentence(command.description()) }, { items }];
}

function examplesSection(program: Command): ManualPage['sections'] {
  const code = leavesOf(program).flatMap((command) => examplesOf(pathOf(command)));
  return code.length === 0 ? [] : [{ title: 'EXAMPLES', blocks: [{ code }] }];
}

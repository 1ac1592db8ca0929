import { qsubOptions } from '../../pbs/index.ts';
import { availableKeys } from '../../request/index.ts';
import { ownOptions } from './own-options.ts';

const WIDTH = 80;
/** Those that are explained; the manual page explains all. */
const mainKeys = ['img', 'vcpus', 'ram'];

/** The text of `vsub --help`; it fits on one screen of 80 by 25. */
export function vsubHelp(): string {
  const own = ownOptions.map(({ words, value, help }): [string, string] => [
    [words.join(', '), value].filter(Boolean).join(' '),
    help,
  ]);
  const main = availableKeys.filter(({ name }) => mainKeys.includes(name));
  const further = availableKeys
    .filter(({ name }) => !mainKeys.includes(name))
    .map(({ name, type }) => `${name}=${type.syntax}`);
  const keys = main.map(({ name, type, doc, default: fallback }): [string, string] => [
    `${name}=${type.syntax}`,
    `${doc} (${fallback})`,
  ]);
  const qsub = qsubOptions.map(({ letter, value }) => (value === undefined ? `-${letter}` : `-${letter} ${value}`));
  return [
    'Usage: vsub [options of qsub] [-vm KEY=VALUE[,KEY=VALUE...]] [script]',
    'Submits a job like qsub. With -vm the job runs in a virtual machine on its node,',
    'as you, with your home and working directory. Without -vm, vsub is qsub.',
    '',
    ...columns(own),
    'Keys of -vm, and what holds without them:',
    ...columns(keys),
    ...fill(further),
    'In the script: #PBS -vm img=host or #VSUB -vm img=host; -vm here is stronger.',
    'Options of qsub (see man qsub):',
    ...fill(qsub),
    'Example: vsub -N test -l nodes=1:ppn=2 -vm img=host,ram=2G job.sh',
    "Exit codes: 0 queued, 1 refused, 2 usage, 3 and more: qsub's own",
    '',
  ].join('\n');
}

function columns(rows: readonly [string, string][]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`);
}

function fill(words: readonly string[]): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length + 2 <= WIDTH) lines[lines.length - 1] = `${last}  ${word}`;
    else lines.push(`  ${word}`);
  }
  return lines;
}

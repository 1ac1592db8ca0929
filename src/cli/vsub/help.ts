import { qsubOptions } from '../../pbs/index.ts';
import { availableKeys, type KeySpec } from '../../request/index.ts';
import { ownOptions } from './own-options.ts';

const WIDTH = 80;
/** Those that are explained; the manual page explains all. */
const mainKeys = ['img', 'vcpus', 'ram'];

/**
 * The text of `vsub --help`; it fits on one screen of 80 by 24.
 * @param shown the keys of `-vm` that it names
 */
export function vsubHelp(shown: readonly KeySpec[] = availableKeys): string {
  const own = ownOptions.map(({ words, value, help }): [string, string] => [
    [words.join(', '), value].filter(Boolean).join(' '),
    help,
  ]);
  const main = shown.filter(({ name }) => mainKeys.includes(name));
  const further = shown.filter(({ name }) => !mainKeys.includes(name));
  const withValues = fill(further.map(({ name, type }) => `${name}=${type.syntax}`));
  const names = fill(
    further.map(({ name }) => `${name}=`),
    ' ',
  );
  const keys = main.map(({ name, type, doc, default: fallback }): [string, string] => [
    `${name}=${type.syntax}`,
    `${doc} (${fallback})`,
  ]);
  const flags = qsubOptions.filter(({ value }) => value === undefined).map(({ letter }) => letter);
  const valued = qsubOptions.filter(({ value }) => value !== undefined).map(({ letter }) => `-${letter}`);
  return [
    'Usage: vsub [options of qsub] [-vm KEY=VALUE[,KEY=VALUE...]] [script]',
    'Submits a job like qsub. With -vm the job runs in a virtual machine on its node,',
    'as you, with your home and working directory. Without -vm, vsub is qsub.',
    '',
    ...columns(own),
    'Keys of -vm, and what holds without them:',
    ...columns(keys),
    ...(withValues.length <= names.length ? withValues : names),
    'In the script: #PBS -vm img=host or #VSUB -vm img=host; -vm here is stronger.',
    'Options of qsub, without and with a value:',
    `  -${flags.join('')}`,
    ...fill(valued, ' '),
    'Example: vsub -N test -l nodes=1:ppn=2 -vm img=host,ram=2G job.sh',
    "Exit codes: 0 queued, 1 refused, 2 usage, others qsub's. All of this: man vsub",
    '',
  ].join('\n');
}

function columns(rows: readonly [string, string][]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length)) + 2;
  return rows.map(([left, right]) => `  ${left.padEnd(width)}${right}`);
}

function fill(words: readonly string[], gap = '  '): string[] {
  const lines: string[] = [];
  for (const word of words) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + gap.length + word.length <= WIDTH)
      lines[lines.length - 1] = `${last}${gap}${word}`;
    else lines.push(`  ${word}`);
  }
  return lines;
}

import type { DirectiveScan } from './directives.ts';
import type { EffectiveOptions } from './effective.ts';
import { qsubError, qsubUsageError } from './errors.ts';
import { checkOptionValue } from './option-values.ts';
import { optionTakesValue } from './options.ts';
import { type Operand, type QsubWalk, type WalkOptions, walkQsubArgs } from './walk.ts';

/** What qsub remembers from one option to the next, and from the script to the command line. */
interface Seen {
  interactive: boolean;
  job: boolean;
  proxy: boolean;
}

/**
 * Check a script's directives and a command line in the order in which qsub reads them, so that its first complaint is
 * ours: line by line, then the command line, option by option.
 * @param script the word that it takes for the script
 * @param walkOptions options of ours that may stand in the directives, and are passed over
 * @throws VtorqueError `E_QSUB` with qsub's text and exit code
 */
export function checkAsQsub(
  scan: DirectiveScan,
  commandLine: QsubWalk,
  script: Operand | undefined,
  walkOptions: WalkOptions = {},
): void {
  const seen: Seen = { interactive: false, job: false, proxy: false };
  const hasCommand = script !== undefined || commandLine.operands.length > 0;
  for (const { words, error } of scan.directives) {
    if (error !== undefined) throw error;
    checkOptions(walkQsubArgs(words, walkOptions), seen, hasCommand);
  }
  if (scan.error !== undefined) throw scan.error;
  checkOptions(commandLine, seen, hasCommand);
  // Whichever of them the script is: qsub counts.
  if (commandLine.operands.length > 1 && !seen.interactive) throw qsubUsageError('index issues');
}

function checkOptions({ options, errors }: QsubWalk, seen: Seen, hasCommand: boolean): void {
  for (const { name, value } of options) {
    const takesValue = optionTakesValue(name);
    const isWrong = takesValue === undefined || name === '-' || (takesValue && value === undefined);
    if (isWrong && errors[0] !== undefined) throw errors[0];
    if (value !== undefined) checkOptionValue(name, value);
    if (name === 'I' || (name === 'W' && /^\s*interactive\s*=/.test(value ?? ''))) seen.interactive = true;
    if (name === 'J') seen.job = true;
    if (name === 'P') seen.proxy = true;
    if (name !== 'x') continue;
    if (!seen.interactive) throw qsubUsageError("qsub: '-x' invalid on non-interactive job", 'Write -I in front of -x');
    if (!hasCommand) throw qsubUsageError("qsub: '-x' used without a script specified");
  }
  if (seen.job && !seen.proxy) throw qsubUsageError('The -J option can only be used in conjunction with -P');
}

const NOT_WITH_L = 'mem hostlist ncpus procs pvmem pmem vmem reqattr software geometry opsys tpn trl'.split(' ');

/**
 * Refuse what qsub does not take together, once it knows all options.
 * @throws VtorqueError `E_QSUB` with qsub's text, exit code 4
 */
export function checkCombinations({ resources, value }: EffectiveOptions): void {
  const refuse = (text: string): Error => qsubError(`qsub: ${text}`, 4);
  const kinds = ['nodes', 'size', 'ncpus'].filter((name) => resources.has(name));
  if (kinds.length > 1) throw refuse('Jobs may not mix -l nodes with -l size or -l ncpus');
  if (kinds.length > 0 && resources.has('mppwidth'))
    throw refuse(`Specifying -l ${kinds[0]} is incompatible with specifying -l mppwidth`);
  if (value('L') !== undefined) {
    if (resources.has('nodes') || resources.has('size')) {
      throw refuse('resource requests cannot combine -L with -l nodes, size, or mppwidth');
    }
    if (NOT_WITH_L.some((name) => resources.has(name))) {
      throw refuse(
        'resource requests cannot combine -L with -l memory, gres, geometry, opsys, reqattr, hostlist, or proc count requests',
      );
    }
  }
  if (value('i') !== undefined && value('t') === undefined) {
    throw refuse('the idle array slot limit (-i) can only be applied to array jobs (-t)');
  }
}

import { VtorqueError } from '../../base/index.ts';
import { type FirstLook, firstLook, hasOption, type QsubOption, type QsubWalk, walkQsubArgs } from '../../pbs/index.ts';
import { findKey } from '../../request/index.ts';
import { ownWords } from './own-options.ts';

/** vsub's argument list, taken apart. */
export interface CommandLine {
  /** What is qsub's, every word unchanged and in its order. */
  readonly qsubArgv: readonly string[];
  /** The walk through `qsubArgv`. */
  readonly walk: QsubWalk;
  /** Where qsub sees the script in `qsubArgv`. */
  readonly look: FirstLook;
  /** The values of `-vm`, in order. */
  readonly vmValues: readonly string[];
  readonly json: boolean;
  readonly help: boolean;
  /** Print what would be done. */
  readonly explain: boolean;
  /** Write what would be done into a directory. */
  readonly dryRun: boolean;
}

/**
 * Separate what is ours from what is qsub's.
 * @throws VtorqueError `E_VM_SYNTAX` (exit code 2)
 */
export function readCommandLine(argv: readonly string[]): CommandLine {
  const { own } = walkQsubArgs(argv, { own: ownWords });
  const ours = new Set(own.flatMap(({ at, value }) => (value === undefined ? [at] : [at, at + 1])));
  const qsubArgv = argv.filter((_, at) => !ours.has(at));
  const walk = walkQsubArgs(qsubArgv);
  const help = hasOption(own, '--help');
  return {
    qsubArgv,
    walk,
    look: firstLook(qsubArgv),
    vmValues: help ? [] : readVmValues(own, walk.options),
    json: hasOption(own, '--json'),
    help,
    explain: hasOption(own, '--explain'),
    dryRun: hasOption(own, '--dry-run') || hasOption(own, '-gf'),
  };
}

/**
 * The values of `-vm` among options of ours.
 * @param others options of qsub from the same place, to find `-vm=img=host`, which qsub would take for `-v m=...`
 * @throws VtorqueError `E_VM_SYNTAX` (exit code 2)
 */
export function readVmValues(own: readonly QsubOption[], others: readonly QsubOption[]): string[] {
  for (const { name, value = '', attached } of others) {
    const [, key] = /^m=(\w+)=/.exec(value) ?? [];
    if (name === 'v' && attached && key !== undefined && findKey(key)) {
      throw syntaxError(`-v${value}`, '-vm and its value are two words', `Write -vm ${value.slice(2)}`);
    }
  }
  return own
    .filter(({ name }) => name === '-vm')
    .map(({ value }) => {
      if (value !== undefined) return value;
      throw syntaxError('-vm', 'its value is missing', 'Write -vm KEY=VALUE[,KEY=VALUE...], for instance -vm img=host');
    });
}

function syntaxError(text: string, state: string, hint: string): VtorqueError {
  return new VtorqueError('E_VM_SYNTAX', `Cannot read "${text}": ${state}`, { hint, phase: 'check', exitCode: 2 });
}

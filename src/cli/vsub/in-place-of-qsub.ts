import {
  checkAsQsub,
  DEFAULT_PREFIX,
  directiveOptions,
  type EffectiveOptions,
  effectiveOptions,
  scanDirectives,
} from '../../pbs/index.ts';
import type { CommandLine } from './command-line.ts';
import { ownDirectiveWords } from './own-options.ts';
import type { JobScript } from './script.ts';

/**
 * Where a batch system has no qsub, nobody but vsub checks what qsub checks.
 * @returns what the command line and the directives ask for together
 * @throws VtorqueError in qsub's words
 */
export function checkInPlaceOfQsub(line: CommandLine, script: JobScript): EffectiveOptions {
  if (script.problem !== undefined) throw script.problem;
  const scan = scanDirectives(script.bytes, line.look.prefix ?? DEFAULT_PREFIX);
  const ours = { own: ownDirectiveWords };
  checkAsQsub(scan, line.walk, line.look.script, ours);
  return effectiveOptions(line.walk.options, directiveOptions(scan.directives, ours));
}

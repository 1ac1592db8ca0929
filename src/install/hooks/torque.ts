import { dirname, join } from 'node:path';
import { shellWord } from '../../base/index.ts';
import { HOOK_MARK } from '../apply.ts';
import type { Step } from '../steps.ts';

/** Torque's life cycle, as far as we take part in it, and whether the site's own script comes before ours or behind. */
const events: Readonly<Record<string, 'before' | 'behind'>> = {
  prologue: 'before',
  'prologue.parallel': 'before',
  epilogue: 'behind',
  'epilogue.parallel': 'behind',
};

/**
 * The hooks of a node of Torque.
 * @param home where Torque keeps its files: `/var/spool/torque`
 * @param current the link to the installed version
 */
export function torqueHooks(home: string, current: string): Step[] {
  const directory = join(home, 'mom_priv');
  return Object.entries(events).map(([event, site]) => {
    const path = join(directory, event);
    // Torque looks for PROLOGUE.NAME where a job asks for that, so the event comes last in the name.
    const original = join(dirname(path), `.vtorque-original.${event}`);
    return { kind: 'hook', path, original, content: hookText({ event, original, current, site }) };
  });
}

interface HookText {
  readonly event: string;
  readonly original: string;
  readonly current: string;
  readonly site: 'before' | 'behind';
}

/**
 * A hook that must do no harm when the installation cannot be reached: a node whose hook fails is taken down.
 * The site's script gets our words and streams, and its exit code counts.
 */
function hookText({ event, original, current, site }: HookText): string {
  const head = [
    '#!/bin/sh',
    HOOK_MARK,
    `ours=${shellWord(join(current, 'libexec/vtorque-hook'))}`,
    `original=${shellWord(original)}`,
  ];
  const body =
    site === 'before'
      ? [
          'if [ -x "$original" ]; then "$original" "$@" || exit $?; fi',
          '[ -x "$ours" ] || exit 0',
          `exec "$ours" torque ${event} "$@"`,
        ]
      : [
          'code=0',
          `if [ -x "$ours" ]; then "$ours" torque ${event} "$@" || code=$?; fi`,
          'if [ -x "$original" ]; then "$original" "$@" || exit $?; fi',
          'exit $code',
        ];
  return [...head, ...body, ''].join('\n');
}

import { join } from 'node:path';
import { shellWord } from '../../base/index.ts';
import { HOOK_MARK } from '../apply.ts';
import type { Step } from '../steps.ts';

/** Torque's life cycle, as far as we take part in it, and whether the site's own script comes before ours or behind. */
const events: Readonly<Record<string, 'before' | 'behind'>> = {
  prologue: 'before',
  'prologue.parallel': 'before',
  epilogue: 'behind',
  'epilogue.parallel': 'behind',
  'epilogue.precancel': 'behind',
};

/**
 * The hooks of a node of Torque.
 * @param home where Torque keeps its files: `/var/spool/torque`
 * @param current the link to the installed version
 * @param commands the directory of Torque's commands: its hooks do not have it on PATH, and the reaper asks for the jobs
 */
export function torqueHooks(home: string, current: string, commands: string | undefined): Step[] {
  return Object.entries(events).map(([event, site]) => {
    const { path, original } = placeOf(home, event);
    return { kind: 'hook', path, original, content: hookText({ event, original, current, commands, site }) };
  });
}

/** Where the hooks of a node of Torque are, and the site's own ones meanwhile. */
export function torqueHookPlaces(home: string): { readonly path: string; readonly original: string }[] {
  return Object.keys(events).map((event) => placeOf(home, event));
}

function placeOf(home: string, event: string): { path: string; original: string } {
  const directory = join(home, 'mom_priv');
  // Torque looks for PROLOGUE.NAME where a job asks for that, so the event comes last in the name.
  return { path: join(directory, event), original: join(directory, `.vtorque-original.${event}`) };
}

interface HookText {
  readonly event: string;
  readonly original: string;
  readonly current: string;
  readonly commands: string | undefined;
  readonly site: 'before' | 'behind';
}

/**
 * A hook that must do no harm when the installation cannot be reached: a node whose hook fails is taken down.
 * The site's script gets our words and streams, and its exit code counts.
 */
function hookText({ event, original, current, commands, site }: HookText): string {
  const head = [
    '#!/bin/sh',
    HOOK_MARK,
    `ours=${shellWord(join(current, 'libexec/vtorque-hook'))}`,
    `original=${shellWord(original)}`,
  ];
  // For ours alone: the site's script has the PATH that it always had.
  const path = commands === undefined ? '' : `PATH="$PATH":${shellWord(commands)} `;
  // Whatever becomes of ours, also if its Node cannot run here or is killed: the site's exit code alone counts.
  const run = `if [ -x "$ours" ]; then ${path}VTORQUE_HOOK=$$ "$ours" torque ${event} "$@" || :; fi`;
  const theirs = 'if [ -x "$original" ]; then "$original" "$@" || exit $?; fi';
  const body = site === 'before' ? [theirs, run] : [run, theirs];
  return [...head, ...body, 'exit 0', ''].join('\n');
}

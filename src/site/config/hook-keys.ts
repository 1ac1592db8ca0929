import { key } from './key.ts';
import { absolutePath, limit } from './types.ts';

/** Keys of the hooks in guests. */
export const hookKeys = {
  'timeouts.guest_prologue': key(
    limit,
    300,
    'site',
    'Longest time for each prologue in a guest; then it is killed and the job fails.',
  ),
  'timeouts.guest_epilogue': key(limit, 300, 'site', 'Longest time for each epilogue in a guest; then it is killed.'),
  'timeouts.guest_precancel': key(
    limit,
    10,
    'site',
    'Longest time for epilogue.precancel in a guest, for which the script of a job that is to end waits.',
  ),
  'guests.hooks': key(
    absolutePath,
    '',
    'site',
    "Directory of the site's hooks for guests, on every node: see guest-hooks.md. Empty: there are none.",
  ),
} as const;

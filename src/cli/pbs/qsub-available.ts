import { parseAttribute, type QsubOption } from '../../pbs/index.ts';
import { notAvailable } from './command.ts';

/** Options of Torque's qsub that do something here. */
const AVAILABLE = new Set('ACdeFhIjkKlmNoqrStvVwWxXz');

/** Attributes of -W that do something here. */
const ATTRIBUTES = new Set(['umask', 'interactive']);

/** Attributes that Torque knows; of others it says so itself. */
const MISSING_ATTRIBUTES = new Set(
  (
    'depend group_list stagein stageout x job_radix ncpus block fault_tolerant init_work_dir user_list group_list ' +
    'sandbox umask run_count'
  ).split(' '),
);

/** Refuse by name what the embedded batch system has not: dropping it silently would be a lie about the job. */
export function checkAvailable(options: readonly QsubOption[]): void {
  for (const { name, value = '' } of options) {
    if (!AVAILABLE.has(name)) throw notAvailable('qsub', `-${name}`);
    if (name === 'm' && value.trim() !== 'n') throw notAvailable('qsub', `mail (-m ${value})`);
    if (name === 'W' && value !== '') {
      const attribute = parseAttribute(value).name;
      if (!ATTRIBUTES.has(attribute) && MISSING_ATTRIBUTES.has(attribute))
        throw notAvailable('qsub', `-W ${attribute}`);
    }
  }
}

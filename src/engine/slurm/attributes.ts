import { parseAttribute } from '../../pbs/index.ts';
import { notOnSlurm } from './refusal.ts';

const dependencies = ['after', 'afterok', 'afternotok', 'afterany'];

/**
 * The values of -W as arguments of sbatch. Pure.
 * @throws VtorqueError `E_NOT_ON_SLURM`
 */
export function attributeArguments(values: readonly string[]): string[] {
  return values.flatMap((text) => {
    const { name, value } = parseAttribute(text);
    // Said by -I already.
    if (name === 'interactive') return [];
    if (name === 'depend') return [`--dependency=${dependency(value)}`];
    throw notOnSlurm(`-W ${text}`, 'Attributes with a counterpart: depend');
  });
}

/** `afterok:7:8,afterany:9`; the commas mean that all must be met, in both. */
function dependency(list: string): string {
  return list
    .split(',')
    .map((item) => {
      const [kind = '', ...jobs] = item.trim().split(':');
      if (!dependencies.includes(kind)) {
        throw notOnSlurm(`-W depend=${item}`, `Kinds with a counterpart: ${dependencies.join(', ')}`);
      }
      const bad = jobs.find((job) => !/^\d+(_\d+)?$/.test(job));
      if (jobs.length === 0 || bad !== undefined) {
        throw notOnSlurm(`-W depend=${item}`, `Write ${kind}:JOB with the number that vsub printed`);
      }
      return [kind, ...jobs].join(':');
    })
    .join(',');
}

import { isAbsolute } from 'node:path';
import { effectiveSettings, mergeSettings, type VmSetting } from '../../request/index.ts';
import { readConfigFile } from './load.ts';
import { networkChecks } from './network-checks.ts';
import { forbidden } from './policy.ts';
import type { ConfigProblem, ReadConfig } from './read.ts';
import { SiteConfig } from './site-config.ts';

/**
 * Read a file and find all that is wrong in it, also what does not keep jobs from being submitted.
 * @param named somebody asked for this file: that it is missing is an error
 * @returns undefined when there is none
 * @throws VtorqueError `E_CONFIG_SYNTAX`, `E_CONFIG_READ`
 */
export async function checkConfigFile(file: string, how: { named: boolean }): Promise<ReadConfig | undefined> {
  const read = await readConfigFile(file, how);
  if (read === undefined) return undefined;
  const problems = [...read.problems, ...crossChecks(read), ...networkChecks(read)].sort(
    (a, b) => (a.line ?? 0) - (b.line ?? 0),
  );
  return { ...read, problems };
}

/** Values that are right each by itself and contradict one another: defaults that the policy refuses. */
export function crossChecks(read: ReadConfig): ConfigProblem[] {
  const config = new SiteConfig(read);
  const queues = config.holders().flatMap((holder) => (holder.kind === 'queue' ? [holder.name] : []));
  const found = [undefined, ...queues].flatMap((queue) =>
    effectiveSettings(config.defaults(queue)).flatMap((setting) => {
      const reason = reasonAgainst(config, queue, setting);
      return reason === undefined ? [] : [asProblem(setting, queue, reason)];
    }),
  );
  // What the site's own tables contradict is not repeated for each queue.
  return [
    ...new Map(found.toReversed().map((problem) => [`${problem.line} ${problem.key}`, problem])).values(),
  ].reverse();
}

function reasonAgainst(config: SiteConfig, queue: string | undefined, setting: VmSetting): string | undefined {
  const alone = mergeSettings([setting]);
  // What a relative folder is, is known only where a job is submitted.
  const mounts = alone.mounts?.filter(({ host }) => isAbsolute(host)) ?? [];
  return forbidden(config, queue, { ...alone, mounts })?.reason;
}

function asProblem({ key, text, origin }: VmSetting, queue: string | undefined, state: string): ConfigProblem {
  const table = origin.kind === 'queue defaults' ? `queues.${origin.queue}.defaults` : 'defaults';
  const line = 'line' in origin && origin.line !== undefined ? { line: origin.line } : {};
  const inQueue = queue === undefined ? '' : ` in queue "${queue}"`;
  return {
    severity: 'error',
    ...line,
    key: `${table}.${key}`,
    reason: `"${text}" is refused${inQueue}: ${state}`,
    remedy: 'Change the default or the policy, so that jobs that ask for nothing special can be submitted',
  };
}

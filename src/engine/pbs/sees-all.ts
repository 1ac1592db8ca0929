/**
 * Does a server tell root of this host of everybody's jobs, by what `qstat -B -f` prints? If not, its list of jobs leaves out those of others without a word: where
 * `query_other_jobs` is not set, as it is not in a new Torque, only managers and operators see them, and root of the server's own host. Pure.
 * @param host this one's name
 */
export function seesAllJobs(stdout: string, host: string): boolean {
  const text = stdout.replaceAll('\n\t', '');
  const value = (name: string): string => new RegExp(`^\\s*${name} = (.*)$`, 'm').exec(text)?.[1]?.trim() ?? '';
  if (/^true$/i.test(value('query_other_jobs'))) return true;
  if (sameHost(/^Server: (\S+)$/m.exec(text)?.[1] ?? '', host)) return true;
  const powerful = [value('managers'), value('operators')].flatMap((names) => names.split(','));
  return powerful.some((each) => isRootOf(each.trim(), host));
}

/** `root@HOST`, where the host may begin with a star and a dot, or be one. */
function isRootOf(entry: string, host: string): boolean {
  const [user, where = ''] = entry.split('@');
  if (user !== 'root') return false;
  return where === '*' || sameHost(where, host) || (where.startsWith('*.') && host.endsWith(where.slice(1)));
}

/** One of the two may be without its domain. */
function sameHost(one: string, other: string): boolean {
  const whole = [one, other].every((name) => name.includes('.'));
  const [a, b] = [one, other].map((name) => (whole ? name : name.replace(/\..*/, '')).toLowerCase());
  return a === b && a !== '';
}

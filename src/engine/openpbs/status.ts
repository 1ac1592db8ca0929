import type { JobStatus } from '../engine.ts';
import { jobStatusOf } from '../pbs/job-status.ts';

/** Between the attributes of a job. In their values qstat makes two printable characters of it, and of line ends, too. */
export const DELIMITER = '\x1f';

/**
 * The jobs in an answer of `qstat -f -F dsv`, one a line. Pure.
 * @throws Error for what is no such line
 */
export function readStatus(stdout: string): JobStatus[] {
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => statusOf(line));
}

function statusOf(line: string): JobStatus {
  const [head = '', ...fields] = line.split(DELIMITER);
  const [, id] = /^Job Id: (\S+)$/.exec(head) ?? [];
  if (id === undefined) throw new Error(`"${head.slice(0, 80)}" is no job`);
  const attributes = new Map(
    fields.map((field): [string, string] => {
      const end = field.indexOf('=');
      return [field.slice(0, end), field.slice(end + 1)];
    }),
  );
  return jobStatusOf({
    id,
    name: attributes.get('Job_Name'),
    owner: attributes.get('Job_Owner'),
    queue: attributes.get('queue'),
    state: attributes.get('job_state'),
    execHost: attributes.get('exec_host'),
    exitStatus: attributes.get('Exit_status'),
  });
}

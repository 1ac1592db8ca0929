import { type JobContext, type JobSsh, newSshKey } from '../node/guest/index.ts';
import type { Submission } from './submission.ts';

/** Keys for this run of a job; none if the job wants none. */
export function jobSsh({ id }: Pick<JobContext, 'id'>, { request }: Pick<Submission, 'request'>): JobSsh | undefined {
  if (request.ssh === false) return undefined;
  return {
    user: newSshKey(`vtorque ${id}`),
    host: newSshKey(`vtorque ${id}`),
  };
}

import { type Job, jobId, type Submission } from './job.ts';

// Builders for tests: everything has a default, a test says what matters to it.

export function aSubmission(change: Partial<Submission> = {}): Submission {
  return {
    name: 'job.sh',
    resources: [
      ['walltime', '01:00:00'],
      ['nodes', '1'],
      ['nodect', '1'],
    ],
    queue: 'batch',
    join: 'n',
    keep: 'n',
    hold: false,
    rerunable: true,
    variables: [
      ['PBS_O_HOME', '/home/tqa'],
      ['PBS_O_WORKDIR', '/home/tqa/w'],
    ],
    workDir: '/home/tqa/w',
    submitArgs: 'job.sh',
    submitHost: 'tqhead',
    ...change,
  };
}

export function aJob(change: Partial<Job> = {}, submission: Partial<Submission> = {}): Job {
  const { sequence = 1, element } = change;
  return {
    id: jobId('tqhead', sequence, element),
    sequence,
    owner: { uid: 1000, name: 'tqa', group: 'tqa', home: '/home/tqa' },
    submission: aSubmission(submission),
    ctime: 0,
    cookie: '0123456789ABCDEF0123456789ABCDEF',
    state: 'Q',
    mtime: 0,
    qtime: 0,
    attempt: 0,
    ...change,
  };
}

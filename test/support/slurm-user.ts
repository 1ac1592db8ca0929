import assert from 'node:assert/strict';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { JobStatus } from '../../src/engine/index.ts';
import { SlurmEngine } from '../../src/engine/slurm/engine.ts';
import { publicRoot } from '../../src/site/public-root.ts';
import { type CommandResult, execute, patienceMs } from './cluster.ts';
import type { TestSlurm } from './slurm.ts';
import { type AtTerminal, atTerminal } from './terminal.ts';
import { aUser, type TestUser } from './users.ts';

/** An ordinary user of a Slurm, with a directory of his. */
export interface SlurmUser extends AsyncDisposable {
  readonly user: TestUser;
  readonly work: string;
  /** As root. */
  readonly engine: SlurmEngine;
  vsub(args: readonly string[], input?: string): Promise<CommandResult>;
  /** A command at a terminal of its own, as the user. */
  atTerminal(command: readonly string[]): Promise<AtTerminal>;
  /** Submit a script and return the job's id; what is refused fails the test. */
  submit(args: readonly string[], script: string, name?: string): Promise<string>;
  /** Wait until a job is over; not for its output. */
  ended(id: string): Promise<JobStatus>;
  /** A file of the working directory. */
  read(name: string): Promise<string>;
  /** Wait until a file of the working directory has something in it. */
  appears(name: string): Promise<string>;
}

export async function slurmUser(slurm: TestSlurm): Promise<SlurmUser> {
  const user = aUser();
  const work = await mkdtemp(join(user.home, 'work-'));
  await chown(work, user.uid, user.gid);
  const engine = new SlurmEngine({ ...process.env, ...slurm.env });
  const root = await publicRoot();
  const env = {
    ...slurm.env,
    PATH: `${join(root, 'bin')}:/usr/bin:/bin`,
    ...{ HOME: user.home, USER: user.name, LOGNAME: user.name, SHELL: '/bin/bash', LANG: 'C.UTF-8' },
  };
  const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  const read = (name: string): Promise<string> => readFile(join(work, name), 'utf8');
  const vsub = (args: readonly string[], input?: string): Promise<CommandResult> =>
    execute([...user.become, 'env', '-i', ...assignments, 'vsub', ...args], { cwd: work, input });
  return {
    ...{ user, work, engine, vsub, read },
    atTerminal: (command) =>
      atTerminal(command, { become: user.become, env: { ...env, TERM: 'vt100' }, cwd: work, withinMs: 60_000 }),
    submit: async (args, script, name = 'job.sh') => {
      await writeFile(join(work, name), script, { mode: 0o644 });
      const { code, stdout, stderr } = await vsub([...args, name]);
      assert.equal(code, 0, stderr);
      return stdout.trim();
    },
    ended: async (id) => {
      let last: JobStatus | undefined;
      for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await delay(100)) {
        last = (await engine.status([id])).get(id);
        if (last?.state === 'complete') return last;
      }
      throw new Error(`job ${id} does not end: it is ${last?.state}`);
    },
    appears: async (name) => {
      for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await delay(100)) {
        const text = await read(name).catch(() => '');
        if (text !== '') return text;
      }
      throw new Error(`"${name}" does not appear`);
    },
    [Symbol.asyncDispose]: async () => {
      await rm(work, { recursive: true, force: true });
      user[Symbol.dispose]();
    },
  };
}

import assert from 'node:assert/strict';
import { chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before } from 'node:test';
import { publicRoot } from '../../src/site/public-root.ts';
import { execute, patienceMs } from './cluster.ts';
import { type Machines, someMachines } from './machines.ts';
import { expectNoResidue, lookForResidue, type Residue } from './residue.ts';
import { startSlurm, type TestSlurm } from './slurm.ts';
import { type ComputersOfSlurm, slurmMachines } from './slurm-machines.ts';
import { aUser, type TestUser } from './users.ts';

/** A Slurm on three machines, with our hooks, that the tests of one suite share. Its properties are there while they run. */
export interface SlurmOnMachines {
  readonly made: Machines;
  readonly places: ComputersOfSlurm;
  readonly user: TestUser;
  /** Submit a bash script from the user's working directory; returns the job's id. */
  submit(args: readonly string[], lines: readonly string[]): Promise<string>;
  /** What is in a file of the working directory; nothing as long as it is not there. */
  written(file: string): Promise<string>;
  /** Nothing of any job is on the machines. */
  expectIdle(): Promise<void>;
}

/**
 * Start a Slurm before the tests, and end it behind them, when nothing of it may be left.
 * @param mtu of the network that they are in
 * @param config vTorque's on all machines
 * @param domain of their host names, which are those of the nodes
 */
export function useSlurmOnMachines(mtu: number, config: string, domain?: string): SlurmOnMachines {
  let clean: Residue;
  let idle: Residue;
  let made: Machines;
  let places: ComputersOfSlurm;
  let slurm: TestSlurm;
  let user: TestUser;
  let work: string;
  let root: string;

  before(async () => {
    clean = await lookForResidue();
    // Before the machines have their own /etc, which do not see who comes later.
    user = aUser();
    made = someMachines(mtu);
    places = slurmMachines(made, config, domain);
    root = await publicRoot();
    const hooks = join(root, 'libexec/slurm');
    slurm = await startSlurm({
      places,
      domain,
      cpus: 2,
      config: [`Prolog=${hooks}/prolog`, `Epilog=${hooks}/epilog`, 'PrologFlags=Alloc,DeferBatch'],
    });
    work = await mkdtemp(join(user.home, 'work-'));
    await chown(work, user.uid, user.gid);
    idle = await lookForResidue();
  });

  after(async () => {
    await slurm[Symbol.asyncDispose]();
    await rm(work, { recursive: true });
    user[Symbol.dispose]();
    await made[Symbol.asyncDispose]();
    await expectNoResidue(clean);
  });

  return {
    get made() {
      return made;
    },
    get places() {
      return places;
    },
    get user() {
      return user;
    },
    submit: async (args, lines) => {
      await writeFile(join(work, 'job.sh'), ['#!/bin/bash', ...lines, ''].join('\n'), { mode: 0o644 });
      const env = {
        ...slurm.env,
        PATH: `${join(root, 'bin')}:/usr/bin:/bin`,
        ...{ HOME: user.home, USER: user.name, LOGNAME: user.name, SHELL: '/bin/bash', LANG: 'C.UTF-8' },
      };
      const assignments = Object.entries(env).map(([name, value]) => `${name}=${value}`);
      const command = [...places.head.inside, ...user.become, 'env', '-i', ...assignments, 'vsub', ...args, 'job.sh'];
      const { code, stdout, stderr } = await execute(command, { cwd: work });
      assert.equal(code, 0, stderr);
      return stdout.trim();
    },
    written: (file) => readFile(join(work, file), 'utf8').catch(() => ''),
    expectIdle: () => expectNoResidue(idle, patienceMs),
  };
}

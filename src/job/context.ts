import { execFile } from 'node:child_process';
import { readFile, realpath } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { promisify } from 'node:util';
import { VtorqueError } from '../base/index.ts';

/** Whom the job runs as. */
export interface JobOwner {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
  /** All groups, the primary one first. */
  readonly groups: readonly { readonly name: string; readonly gid: number }[];
}

/** What the batch system told the launcher about its job. */
export interface JobContext {
  readonly id: string;
  readonly owner: JobOwner;
  /** The node's name as the batch system has it, without a domain. */
  readonly node: string;
  /** Path of the node file on the host, and how many lines of it name this node. */
  readonly nodeFile: string;
  readonly slots: number;
  readonly cwd: string;
  /** Directories that the job names; each exists. */
  readonly directories: readonly { readonly path: string; readonly real: string }[];
  readonly umask: number;
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Read the job from the launcher's own process: environment, working directory, credentials.
 * @throws VtorqueError `E_NOT_IN_JOB` outside a batch job
 */
export async function readJobContext(): Promise<JobContext> {
  const env = Object.fromEntries(Object.entries(process.env).flatMap(([k, v]) => (v === undefined ? [] : [[k, v]])));
  const { PBS_JOBID: id, PBS_NODEFILE: nodeFile } = env;
  if (!id || !nodeFile) {
    throw new VtorqueError('E_NOT_IN_JOB', 'Cannot launch: PBS_JOBID or PBS_NODEFILE is not set', {
      hint: 'The launcher is started by a batch system; submit the job with vsub',
      phase: 'plan',
    });
  }
  const nodes = (await readFile(nodeFile, 'utf8')).split('\n').filter((line) => line !== '');
  const first = nodes[0] ?? '';
  const owner = await readOwner();
  const cwd = process.cwd();
  return {
    id,
    owner,
    node: first.split('.')[0] ?? first,
    nodeFile,
    slots: nodes.filter((node) => node === first).length,
    cwd,
    directories: await existing([owner.home, env.PBS_O_WORKDIR, env.PBS_O_INITDIR, env.PWD, cwd]),
    umask: process.umask(),
    env,
  };
}

async function readOwner(): Promise<JobOwner> {
  const { username, uid, gid, homedir, shell } = userInfo();
  const ids = [gid, ...(process.getgroups?.() ?? []).filter((group) => group !== gid)];
  return { name: username, uid, gid, home: homedir, shell: shell || '/bin/sh', groups: await groupNames(ids) };
}

/** Names of groups, from wherever the node has them (files, LDAP, SSSD); a group without a name is called by its number. */
async function groupNames(ids: readonly number[]): Promise<{ name: string; gid: number }[]> {
  const args = ['group', ...ids.map(String)];
  const { stdout } = await promisify(execFile)('getent', args, { timeout: 10_000 }).catch((error: unknown) => {
    // getent exits with 2 when it does not know one of them, after it has printed the others.
    return error as { stdout: string };
  });
  const known = new Map(
    stdout.split('\n').flatMap((line): [number, string][] => {
      const [name = '', , gid = ''] = line.split(':');
      return name === '' ? [] : [[Number(gid), name]];
    }),
  );
  return ids.map((gid) => ({ gid, name: known.get(gid) ?? `group${gid}` }));
}

/** Those of the paths that are directories or files of this node, with where they really are. */
export async function existing(paths: readonly (string | undefined)[]): Promise<{ path: string; real: string }[]> {
  const absolute = [...new Set(paths)].filter((path): path is string => path?.startsWith('/') === true);
  const found = await Promise.all(
    absolute.map(async (path) => {
      // A home directory that is not on this node is no reason to fail: the batch system has started the job without it.
      const real = await realpath(path).catch(() => undefined);
      return real === undefined ? [] : [{ path, real }];
    }),
  );
  return found.flat();
}

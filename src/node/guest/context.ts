import { realpath } from 'node:fs/promises';
import { userInfo } from 'node:os';
import type { HostSlots } from '../../pbs/index.ts';
import { run } from '../../process/index.ts';
import type { LeaseKey } from '../leases/lease.ts';

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

/** A job as one of its nodes sees it. */
export interface JobContext {
  /** By it root's hooks and the reaper know what belongs to the job on this node. */
  readonly key: LeaseKey;
  readonly id: string;
  readonly owner: JobOwner;
  /** All nodes of the job in its order, as the batch system has them. */
  readonly hosts: readonly HostSlots[];
  /** Of this node among them. */
  readonly nodeIndex: number;
  /** This node's name without a domain. */
  readonly node: string;
  /** Path of the node file on the first node. */
  readonly nodeFile: string;
  /** Of the script. */
  readonly cwd: string;
  /** Directories that the job names; each exists here. */
  readonly directories: readonly { readonly path: string; readonly real: string }[];
  readonly umask: number;
  /** Of this process. */
  readonly env: Readonly<Record<string, string>>;
}

/** The owner of this process, as this node knows him. */
export async function readOwner(): Promise<JobOwner> {
  const { username, uid, gid, homedir, shell } = userInfo();
  const ids = [gid, ...(process.getgroups?.() ?? []).filter((group) => group !== gid)];
  return { name: username, uid, gid, home: homedir, shell: shell || '/bin/sh', groups: await groupNames(ids) };
}

/** Names of groups, from wherever the node has them (files, LDAP, SSSD); a group without a name is called by its number. */
async function groupNames(ids: readonly number[]): Promise<{ name: string; gid: number }[]> {
  // It ends with 2 when it does not know one of them, after it has printed the others.
  const { stdout } = await run(['getent', 'group', ...ids.map(String)]);
  const known = new Map(
    stdout
      .toString()
      .split('\n')
      .flatMap((line): [number, string][] => {
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

import assert from 'node:assert/strict';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Lease } from '../../src/node/leases/lease.ts';
import { LeaseStore } from '../../src/node/leases/store.ts';
import { type CommandResult, execute, type TestCluster } from './cluster.ts';

export const hookEvents = ['prologue', 'prologue.parallel', 'epilogue', 'epilogue.parallel'] as const;
export type HookEvent = (typeof hookEvents)[number] | 'epilogue.precancel';

/** One run of a hook by the batch system. */
export interface HookRun {
  readonly event: string;
  readonly node: number;
  readonly code: number;
}

/** Our hooks in the instance of a test. */
export interface RootHooks {
  readonly uid: number;
  readonly instance: string;
  /** Put ours in. @param gate a file without which the hook waits before it does anything */
  install(events?: readonly HookEvent[], gate?: string): Promise<void>;
  /** Take all out, and forget which have run. */
  remove(): Promise<void>;
  runs(): Promise<HookRun[]>;
  /** Call one as the batch system does; the job need not be known to it. */
  call(event: HookEvent, jobId: string, call?: HookWords): Promise<CommandResult>;
  store(): Promise<LeaseStore>;
  /** As `ID NODE STATE`, of these jobs. */
  leases(...jobIds: readonly string[]): Promise<string[]>;
  /** Make leases an hour older: the reaper leaves young ones alone. */
  age(...jobIds: readonly string[]): Promise<void>;
  /** Let the clock be set by so many milliseconds since the leases of a job were written. */
  setClock(byMs: number, jobId: string): Promise<void>;
  reap(...args: readonly string[]): Promise<CommandResult>;
}

export interface HookWords {
  readonly node?: number;
  readonly attempt?: number;
  readonly owner?: string;
  /** Kill it, if it has not ended by then. */
  readonly killedAfterMs?: number;
}

/** @param inside what stands before every command, for instance to run it in a namespace */
export function rootHooks(cluster: TestCluster, inside: readonly string[] = []): RootHooks {
  const uid = process.getuid?.() ?? 0;
  const { VTORQUE_LOCAL: instance = '' } = cluster.env;
  const program = join(cluster.root, 'libexec/vtorque-hook');
  const path = (event: HookEvent): string => join(instance, 'mom_priv', event);
  const log = join(instance, 'mom_priv', 'runs.log');
  const hooks: RootHooks = {
    uid,
    instance,
    install: async (events = hookEvents, gate) => {
      for (const event of events) {
        const wait =
          gate === undefined ? '' : `echo "${event} waits" >>${log}; while [ ! -e ${gate} ]; do sleep 0.05; done\n`;
        const call = `${program} embedded ${event} "$@"\ncode=$?\necho "${event} $PBS_NODENUM $code" >>${log}\nexit $code\n`;
        await writeFile(path(event), `#!/bin/sh\n${wait}${call}`, { mode: 0o755 });
      }
    },
    remove: async () => {
      for (const file of [...hookEvents.map(path), log]) await rm(file, { force: true });
    },
    runs: async () =>
      (await readFile(log, 'utf8').catch(() => '')).split('\n').flatMap((line) => {
        const [event = '', node, code] = line.split(' ');
        return code === undefined ? [] : [{ event, node: Number(node), code: Number(code) }];
      }),
    call: (event, jobId, { node = 0, attempt = 1, owner = cluster.user.name, killedAfterMs } = {}) => {
      const common = [jobId, owner, 'group', 'name'];
      const words = event.startsWith('prologue')
        ? [...common, 'nodes=1', 'batch', '', '/script']
        : [...common, '4711', 'nodes=1', 'walltime=00:00:01', 'batch', '', '0', '/script'];
      const env = {
        ...{ PATH: '/bin:/usr/bin', VTORQUE_LOCAL: instance, VTORQUE_HOSTS: 'node1 node2' },
        ...{ VTORQUE_ATTEMPT: String(attempt), PBS_NODENUM: String(node) },
      };
      return execute([...inside, program, 'embedded', event, ...words], {
        env,
        cwd: '/',
        ...(killedAfterMs === undefined ? {} : { timeoutMs: killedAfterMs }),
      });
    },
    store: () => LeaseStore.open(join(instance, 'leases'), uid),
    leases: async (...jobIds) =>
      (await listOf(await hooks.store(), jobIds)).map(({ key, state }) => `${key.jobId} ${key.node} ${state}`),
    age: async (...jobIds) => {
      for (const jobId of jobIds) await hooks.setClock(3_600_000, jobId);
    },
    setClock: async (byMs, jobId) => {
      const store = await hooks.store();
      for (const lease of await listOf(store, [jobId])) await store.write({ ...lease, at: lease.at - byMs });
    },
    reap: (...args) =>
      execute([...inside, join(cluster.root, 'bin/vtorque'), 'reap', ...args], {
        env: { ...process.env, ...cluster.env },
      }),
  };
  return hooks;
}

async function listOf(store: LeaseStore, jobIds: readonly string[]): Promise<Lease[]> {
  return (await store.list()).filter(({ key }) => jobIds.includes(key.jobId));
}

/** A hook never ends with anything but 0, and says nothing when all is well. */
export function assertQuiet({ code, stderr }: CommandResult): void {
  assert.deepEqual([code, stderr], [0, '']);
}

import { messageOf, VtorqueError } from '../../base/index.ts';
import type { LiveJobs } from '../../engine/engine.ts';
import { removeAs } from '../clear-up.ts';
import { type HookDeps, release } from '../hook.ts';
import type { LeaseKey } from '../leases/lease.ts';
import { releaseNetwork } from '../network/release.ts';
import { killIfSame, type MarkedProcess } from '../strays.ts';
import type { MarkedDirectory } from '../temporary.ts';
import { planReap, type ReapAction } from './plan.ts';

/** Which jobs live, as the batch system has said. */
export type KnownJobs = Extract<LiveJobs, { readonly known: true }>;

export interface ReapOptions extends HookDeps {
  readonly engine: string;
  /** Seen before `live` was asked for: a process that came later may be that of a job which came later, too. */
  readonly marked: readonly MarkedProcess[];
  /** As `marked`. */
  readonly directories: readonly MarkedDirectory[];
  /** As `NodeView.networks`. */
  readonly networks: readonly LeaseKey[];
  /** When that was, in milliseconds since 1970. */
  readonly asked: number;
  readonly live: KnownJobs;
  readonly dryRun: boolean;
}

export interface ReapReport {
  readonly actions: readonly ReapAction[];
  /** What could not be done; the next run tries it again. */
  readonly failures: readonly { readonly action: ReapAction; readonly why: string }[];
}

/**
 * What may be cleared up by.
 * @throws VtorqueError `E_REAP_UNKNOWN` when the batch system does not tell which jobs live
 */
export function knownJobs(live: LiveJobs): KnownJobs {
  if (live.known) return live;
  throw new VtorqueError('E_REAP_UNKNOWN', `Cannot clear up: it is not known which jobs live (${live.why})`, {
    hint: 'Nothing was touched. Try again when the batch system answers',
  });
}

/** Remove what no live job owns. May run at any moment, any number of times. */
export async function reap(options: ReapOptions): Promise<ReapReport> {
  const { engine, live, marked, directories, networks, asked, store, now } = options;
  const leases = await store.list();
  const view = {
    engine,
    cluster: live.cluster,
    live: live.ids,
    leases,
    marked,
    directories,
    networks,
    asked,
    now: now(),
  };
  const actions = planReap(view);
  const failures: { action: ReapAction; why: string }[] = [];
  for (const action of options.dryRun ? [] : actions) {
    await carryOut(action, options).catch((error: unknown) => failures.push({ action, why: messageOf(error) }));
  }
  return { actions, failures };
}

async function carryOut(action: ReapAction, deps: HookDeps): Promise<void> {
  switch (action.kind) {
    case 'release':
      await release({ key: action.lease.key, owner: action.lease.owner }, deps);
      return;
    case 'kill':
      await killIfSame(action.process);
      return;
    case 'directory':
      await removeAs(action.directory, action.directory.path);
      return;
    case 'network':
      await releaseNetwork(action.key);
      return;
    case 'forget':
      await deps.store.forget(action.key);
      return;
  }
}

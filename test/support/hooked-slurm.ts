import { join } from 'node:path';
import type { Lease } from '../../src/node/leases/lease.ts';
import { LeaseStore } from '../../src/node/leases/store.ts';
import { leasesDirectory } from '../../src/site/index.ts';
import { publicRoot } from '../../src/site/public-root.ts';
import { expectNoResidue, lookForResidue, type Residue } from './residue.ts';
import { startSlurm, type TestSlurm } from './slurm.ts';
import { type SlurmUser, slurmUser } from './slurm-user.ts';

/** A Slurm of two nodes with our Prolog and Epilog, a user of it, and the leases of his jobs. */
export interface HookedSlurm extends AsyncDisposable {
  readonly slurm: TestSlurm;
  readonly as: SlurmUser;
  readonly store: LeaseStore;
  /** What was there before it. */
  readonly clean: Residue;
  /** Those of this user: the directory is the machine's. */
  leases(): Promise<Lease[]>;
}

/**
 * Start it; disposing of it ends it and sees that nothing is left.
 * @param further lines of slurm.conf, from the directory of our hooks
 */
export async function startHookedSlurm(further: (hooks: string) => readonly string[] = () => []): Promise<HookedSlurm> {
  const clean = await lookForResidue();
  await using ending = new AsyncDisposableStack();
  ending.defer(() => expectNoResidue(clean));
  const hooks = join(await publicRoot(), 'libexec/slurm');
  const slurm = await startSlurm({
    nodes: 2,
    config: [`Prolog=${hooks}/prolog`, `Epilog=${hooks}/epilog`, 'PrologFlags=Alloc,DeferBatch', ...further(hooks)],
  });
  const ended = new AsyncDisposableStack();
  ending.use(ended);
  ended.use(slurm);
  const as = ending.use(await slurmUser(slurm));
  const store = await LeaseStore.open(leasesDirectory({}, 0), 0);
  const leases = async (): Promise<Lease[]> => (await store.list()).filter(({ owner }) => owner.name === as.user.name);
  // When Slurm has ended, whose hooks would write more.
  ending.defer(async () => {
    await ended.disposeAsync();
    for (const { key } of await leases()) await store.forget(key);
  });
  const all = ending.move();
  return { slurm, as, store, clean, leases, [Symbol.asyncDispose]: () => all.disposeAsync() };
}

import type { LeaseStore } from '../../src/node/leases/store.ts';
import { execute } from './cluster.ts';
import { until } from './embedded.ts';

/** Keep hooks of a job of a test's Slurm on a node waiting, until what is returned is disposed of. */
export async function hooksWait(store: LeaseStore, jobId: string, node: string): Promise<AsyncDisposable> {
  const key = { engine: 'slurm', cluster: 'vtt', jobId, attempt: undefined, node };
  const goOn = Promise.withResolvers<void>();
  const held = Promise.withResolvers<void>();
  const holder = store.whileLocked(key, () => {
    held.resolve();
    return goOn.promise;
  });
  await Promise.race([held.promise, holder]);
  return {
    [Symbol.asyncDispose]: async () => {
      goOn.resolve();
      await holder;
    },
  };
}

/** Wait until a hook runs anywhere. */
export function hookRuns(hook: 'prolog' | 'epilog'): Promise<void> {
  return until(async () => {
    const { stdout } = await execute(['ps', '-e', '-o', 'args'], {});
    return stdout.split('\n').some((line) => /\/start\.cjs hook /.test(line) && line.endsWith(` slurm ${hook}`));
  }, `the ${hook} runs`);
}

import { startCluster } from '../test/support/cluster.ts';
import { configuredNode } from '../test/support/configured-node.ts';
import { assertQuiet, type HookEvent, type RootHooks, rootHooks } from '../test/support/root-hooks.ts';
import { type Measurement, measureInTurn } from './measure.ts';

/** What root's hooks add to each job on each of its nodes: with nothing to do, and with a network of the job's. As root only. */
export async function measureHooks(runs: number): Promise<Measurement[]> {
  using node = configuredNode();
  node.configure('job = "vxlan"', 'max_vms_per_node = 3');
  await using cluster = await startCluster({ nodes: 2, np: 1 });
  let jobs = 0;
  const call = (hooks: RootHooks, event: HookEvent) => async () => {
    // The release is that of the job that was prepared last.
    if (event === 'prologue') jobs++;
    assertQuiet(await hooks.call(event, `${jobs}.bench`));
  };
  const [plain, networked] = [rootHooks(cluster), rootHooks(cluster, node.inside)];
  return await measureInTurn(runs, {
    'prologue with nothing to do': call(plain, 'prologue'),
    'epilogue with nothing to do': call(plain, 'epilogue'),
    'prologue that makes a network': call(networked, 'prologue'),
    'epilogue that removes it': call(networked, 'epilogue'),
  });
}

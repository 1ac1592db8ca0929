import { startOtherNodes } from '../src/job/nodes/other-nodes.ts';
import { plan, reports, simulateNodes } from '../src/job/nodes/test-support.ts';
import { type Measurement, summarize } from './measure.ts';

/**
 * From the start of the agents of a job's nodes until all are ready, in the real protocol. Launcher and agents are this one
 * process, so that what is measured is the work of all of them.
 */
export async function measureBarrier(nodes: number, runs: number): Promise<Measurement> {
  const times: number[] = [];
  for (let run = 0; run < runs; run++) {
    const of = simulateNodes(nodes, () => 'well');
    const from = performance.now();
    await using others = await startOtherNodes({ ...of, agent: ['agent'], plan, record: () => {}, reports });
    const signal = AbortSignal.timeout(60_000);
    await others.heard(signal);
    others.start(undefined);
    await others.ready(signal);
    times.push(performance.now() - from);
    await others.end(0);
  }
  return summarize(`barrier of ${nodes} nodes`, times);
}

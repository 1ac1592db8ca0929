import { placeOnMany } from '../src/plan/test-nodes.ts';
import { type Measurement, measureInTurn } from './measure.ts';

/** The plan and the placement of all VMs of a large machine, as if one process did it for all nodes. */
export async function measurePlan(runs: number): Promise<Measurement[]> {
  return measureInTurn(runs, { 'plan of 8 VMs on each of 10,000 nodes': async () => placeOnMany(10_000, 8) });
}

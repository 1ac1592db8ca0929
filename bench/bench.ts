// How long things take, beside the floor measured in the same run: prints one table and one line of JSON.
// Options: --runs N (client commands; default 15), --jobs N (jobs per guest; default 3).
import { parseArgs } from 'node:util';
import { table } from '../src/cli/table.ts';
import { startCluster } from '../test/support/cluster.ts';
import { ensureImage } from '../test/support/images.ts';
import { measureClients } from './clients.ts';
import { measureFloor } from './floor.ts';
import { measureJobs } from './jobs.ts';
import type { Measurement } from './measure.ts';
import { measureThroughput } from './throughput.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '15' }, jobs: { type: 'string', default: '3' } },
});
const [runs, jobs] = [Number(values.runs), Number(values.jobs)];
const guests = ['host', 'debian-12'];

for (const guest of guests.slice(1)) await ensureImage(guest);
await using cluster = await startCluster({ np: 1 });
const floor = await measureFloor(runs);
const clients = await measureClients(cluster, runs);
const throughput = await manyJobs(runs);
const starts = [];
for (const guest of guests) starts.push(...(await measureJobs(cluster, guest, jobs)));

const [node, qemu] = floor;
const rows = [
  ...floor.map((measured) => row(measured, undefined)),
  ...[...clients, ...throughput].map((measured) => row(measured, node)),
  ...starts.map((measured) => row(measured, qemu)),
];
process.stdout.write(table([['WHAT', 'MEDIAN ms', 'MIN', 'MAX', 'RUNS', 'OVER THE FLOOR'], ...rows]));
process.stdout.write(`${JSON.stringify({ floor, clients, throughput, jobs: starts })}\n`);

/** In a batch system of its own, with room for many at a time. */
async function manyJobs(count: number): Promise<Measurement[]> {
  await using roomy = await startCluster({ np: 12 });
  return await measureThroughput(roomy, count);
}

function row({ what, median, min, max, runs: count }: Measurement, base: Measurement | undefined): string[] {
  const ratio = base === undefined ? 'is the floor' : `${(median / base.median).toFixed(1)} x ${base.what}`;
  return [what, ...[median, min, max].map((ms) => ms.toFixed(0)), String(count), ratio];
}

// How long things take, beside the floor measured in the same run: prints tables and one line of JSON.
// Words choose parts: clients, throughput, plan, start; all without any. Options: --runs N (default 15), --jobs N (jobs per guest; default 3).
import { parseArgs } from 'node:util';
import { table } from '../src/cli/table.ts';
import { startCluster } from '../test/support/cluster.ts';
import { ensureImage } from '../test/support/images.ts';
import { measureBarrier } from './barrier.ts';
import { measureClients } from './clients.ts';
import { measureFloor } from './floor.ts';
import { measureJobs, measureVms } from './jobs.ts';
import type { Measurement } from './measure.ts';
import { measurePlan } from './plan.ts';
import { measureStarts } from './starts.ts';
import { measureThroughput } from './throughput.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string', default: '15' }, jobs: { type: 'string', default: '3' } },
});
const [runs, jobs] = [Number(values.runs), Number(values.jobs)];
const guests = ['host', 'debian-12'];
const wanted = (part: string): boolean => positionals.length === 0 || positionals.includes(part);

const floor = await measureFloor(runs);
const clients = wanted('clients') ? await ofClients() : [];
const throughput = wanted('throughput') ? [...(await manyJobs(runs)), await measureBarrier(1000, jobs)] : [];
const plan = wanted('plan') ? await measurePlan(3) : [];
const machines = wanted('start') ? await measureStarts(runs, jobs) : { times: [], memory: [] };
const starts = wanted('start') ? await ofJobs() : [];

const [node, qemu] = floor;
const rows = [
  ...floor.map((measured) => row(measured, undefined)),
  ...[...clients, ...plan, ...throughput].map((measured) => row(measured, node)),
  ...[...machines.times, ...starts].map((measured) => row(measured, qemu)),
];
process.stdout.write(table([['WHAT', 'MEDIAN ms', 'MIN', 'MAX', 'RUNS', 'OVER THE FLOOR'], ...rows]));
const sizes = machines.memory.map(({ what, pssMB }) => [what, pssMB.toFixed(0)]);
if (sizes.length > 0) process.stdout.write(`\n${table([['MEMORY OF', 'PSS MB'], ...sizes])}`);
process.stdout.write(`${JSON.stringify({ floor, clients, plan, throughput, machines, jobs: starts })}\n`);

async function ofClients(): Promise<Measurement[]> {
  await using cluster = await startCluster({ np: 1 });
  return await measureClients(cluster, runs);
}

/** The phases of jobs, from templates and booting; and of jobs with several VMs. */
async function ofJobs(): Promise<Measurement[]> {
  for (const guest of guests.slice(1)) await ensureImage(guest);
  await using cluster = await startCluster({ np: 8 });
  const measured = [];
  for (const guest of guests) {
    measured.push(
      ...(await measureJobs(cluster, guest, 'auto', jobs)),
      ...(await measureJobs(cluster, guest, 'off', jobs)),
    );
  }
  return [...measured, ...(await measureVms(cluster, [1, 4, 8], jobs))];
}

/** In a batch system of its own, with room for many at a time. */
async function manyJobs(count: number): Promise<Measurement[]> {
  await using roomy = await startCluster({ np: 12 });
  return await measureThroughput(roomy, count);
}

function row({ what, median, min, max, runs: count }: Measurement, base: Measurement | undefined): string[] {
  const ratio = base === undefined ? 'is the floor' : `${(median / base.median).toFixed(1)} x ${base.what}`;
  return [what, ...[median, min, max].map((ms) => ms.toFixed(0)), String(count), ratio];
}

// How long things take, beside the floor measured in the same run: prints tables and one line of JSON.
// Words choose parts: clients, throughput, plan, hooks, start; all without any. A further one, cloud, is done only if asked for. Options: --runs N (default 15), --jobs N (jobs per guest; default 3).
import { parseArgs } from 'node:util';
import { table } from '../src/cli/table.ts';
import { makeCloudImage } from '../test/support/cloud-image.ts';
import { startCluster } from '../test/support/cluster.ts';
import { noNetworks } from '../test/support/configured-node.ts';
import { ensureImage } from '../test/support/images.ts';
import { measureBarrier } from './barrier.ts';
import { measureClients } from './clients.ts';
import { measureFloor } from './floor.ts';
import { measureHooks } from './hooks.ts';
import { measureArray, measureJobs, measureVms } from './jobs.ts';
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
const hooks = wanted('hooks') ? await ofHooks() : [];
const machines = wanted('start') ? await measureStarts(runs, jobs) : { times: [], memory: [] };
const starts = [
  ...(wanted('start') ? await ofJobs() : []),
  // As root only, and it takes minutes: not unless it is asked for.
  ...(positionals.includes('cloud') ? await ofCloudImage() : []),
];

const [node, qemu] = floor;
const rows = [
  ...floor.map((measured) => row(measured, undefined)),
  ...[...clients, ...plan, ...throughput, ...hooks].map((measured) => row(measured, node)),
  ...[...machines.times, ...starts].map((measured) => row(measured, qemu)),
];
process.stdout.write(table([['WHAT', 'MEDIAN ms', 'MIN', 'MAX', 'RUNS', 'OVER THE FLOOR'], ...rows]));
const sizes = machines.memory.map(({ what, pssMiB }) => [what, pssMiB.toFixed(0)]);
if (sizes.length > 0) process.stdout.write(`\n${table([['MEMORY OF', 'PSS MiB'], ...sizes])}`);
process.stdout.write(`${JSON.stringify({ floor, clients, plan, throughput, hooks, machines, jobs: starts })}\n`);

async function ofClients(): Promise<Measurement[]> {
  await using cluster = await startCluster({ np: 1 });
  return await measureClients(cluster, runs);
}

async function ofHooks(): Promise<Measurement[]> {
  if (noNetworks === false) return await measureHooks(runs);
  process.stderr.write(`root's hooks are not measured: ${noNetworks}\n`);
  return [];
}

/** The phases of jobs, from templates and booting; and of jobs with several VMs. */
async function ofJobs(): Promise<Measurement[]> {
  for (const guest of guests.slice(1)) await ensureImage(guest);
  await using cluster = await startCluster({ np: 16 });
  const measured = [];
  for (const guest of guests) {
    measured.push(
      ...(await measureJobs(cluster, guest, 'auto', jobs)),
      ...(await measureJobs(cluster, guest, 'off', jobs)),
    );
  }
  return [...measured, ...(await measureVms(cluster, [1, 4, 8, 16], jobs)), ...(await ofArray())];
}

async function ofCloudImage(): Promise<Measurement[]> {
  await using image = await makeCloudImage();
  await using cluster = await startCluster();
  const { code, stderr } = await cluster.run(['vtorque', 'image', 'add', image.path, 'cloudy']);
  if (code !== 0) throw new Error(`cannot add the cloud image: ${stderr}`);
  return [
    ...(await measureJobs(cluster, 'cloudy', 'auto', jobs)),
    ...(await measureJobs(cluster, 'cloudy', 'off', Math.min(jobs, 2))),
  ];
}

async function ofArray(): Promise<Measurement[]> {
  await using cluster = await startCluster({ np: 4 });
  return [await measureArray(cluster, 100)];
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

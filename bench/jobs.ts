import type { TimelineEntry } from '../src/job/index.ts';
import type { TestCluster } from '../test/support/cluster.ts';
import { type Measurement, summarize } from './measure.ts';

const phases: Readonly<Record<string, string>> = {
  queued: 'submitted to launcher start',
  plan: 'plan and shares',
  network: 'network',
  'vm-start': 'QEMU exec to QMP ready',
  guest: 'guest set-up, and its boot if it boots',
  awake: 'QEMU exec to agent awake',
  ready: 'launcher start to first line of the script',
  script: 'script "true"',
  'tear-down': 'tear-down',
  total: 'launcher start to end',
};

/**
 * The phases of jobs that do nothing, one job after the other, by the jobs' own time lines.
 * @param warm `off`: each boots. With `auto` the first one, which makes the template, does not count
 */
export async function measureJobs(
  cluster: TestCluster,
  guest: string,
  warm: 'auto' | 'off',
  jobs: number,
): Promise<Measurement[]> {
  const times = new Map<string, number[]>(Object.keys(phases).map((phase) => [phase, []]));
  const request = ['-vm', `img=${guest},vcpus=1,ram=512M,warm=${warm}`];
  if (warm === 'auto') await runJob(cluster, request);
  for (let run = 0; run < jobs; run++) {
    const submitted = Date.now();
    const entries = await runJob(cluster, request);
    const steps = entries.filter(({ event }) => event !== 'fact');
    const awake = entries.find(({ event, value }) => event === 'fact' && String(value).startsWith('warm start'));
    if (awake !== undefined) times.get('awake')?.push(awake.at - at(entries, 'vm-start'));
    times.get('queued')?.push(at(entries, 'start') - submitted);
    times.get('ready')?.push(at(entries, 'script') - at(entries, 'start'));
    times.get('total')?.push(at(entries, 'end') - at(entries, 'start'));
    steps.slice(0, -1).forEach((step, index) => {
      times.get(step.event)?.push((steps[index + 1]?.at ?? Number.NaN) - step.at);
    });
  }
  const how = warm === 'auto' ? 'clone' : 'boots';
  const measured = [...times].filter(([, list]) => list.length > 0);
  return measured.map(([phase, list]) => summarize(`${guest}, ${how}: ${phases[phase]}`, list));
}

/** One job with so many VMs: until its script starts, which is when all are ready. */
export async function measureVms(
  cluster: TestCluster,
  counts: readonly number[],
  jobs: number,
): Promise<Measurement[]> {
  const measured = [];
  for (const count of counts) {
    const times = [];
    for (let run = 0; run < jobs; run++) {
      const slots = ['-l', `nodes=1:ppn=${count}`];
      const entries = await runJob(cluster, [...slots, '-vm', `vms_per_node=${count},vcpus=1,ram=512M`]);
      times.push(at(entries, 'script') - at(entries, 'start'));
    }
    measured.push(summarize(`job of ${count} VMs: launcher start to first line of the script`, times));
  }
  return measured;
}

/** An array of jobs that do nothing, each in a VM, as many at a time as the node has room for: what each of them takes. */
export async function measureArray(cluster: TestCluster, count: number): Promise<Measurement> {
  await runJob(cluster, trueVm);
  const from = performance.now();
  const id = await cluster.submit(['-t', `1-${count}`, ...trueVm], '#!/bin/sh\ntrue\n', 'true.sh');
  const elements = Array.from({ length: count }, (_, index) => id.replace('[]', `[${index + 1}]`));
  const ends = await Promise.all(elements.map((element) => cluster.wait(element)));
  const failed = ends.filter(({ exitStatus }) => exitStatus !== 0);
  if (failed.length > 0) throw new Error(`${failed.length} of ${count} failed: ${failed[0]?.stderr}`);
  return summarize(`each of ${count} jobs "true" in VMs, an array, submission to end`, [
    (performance.now() - from) / count,
  ]);
}

const trueVm = ['-vm', 'img=host,vcpus=1,ram=512M'];

function at(entries: readonly TimelineEntry[], event: TimelineEntry['event']): number {
  return entries.find((entry) => entry.event === event)?.at ?? Number.NaN;
}

async function runJob(cluster: TestCluster, args: readonly string[]): Promise<readonly TimelineEntry[]> {
  const id = await cluster.submit(args, '#!/bin/sh\ntrue\n', 'true.sh');
  const { exitStatus, stderr } = await cluster.wait(id);
  if (exitStatus !== 0) throw new Error(`job ${id} ended with ${exitStatus}: ${stderr}`);
  return await cluster.record(id);
}

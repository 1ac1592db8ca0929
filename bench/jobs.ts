import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TimelineEntry, timelinePath } from '../src/job/index.ts';
import type { TestCluster } from '../test/support/cluster.ts';
import { type Measurement, summarize } from './measure.ts';

const phases: Readonly<Record<string, string>> = {
  queued: 'submitted to launcher start',
  plan: 'plan and shares',
  network: 'network',
  'vm-start': 'QEMU exec to QMP ready',
  guest: 'guest set-up, and its boot if it boots',
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
    times.get('queued')?.push(at(entries, 'start') - submitted);
    times.get('ready')?.push(at(entries, 'script') - at(entries, 'start'));
    times.get('total')?.push(at(entries, 'end') - at(entries, 'start'));
    entries.slice(0, -1).forEach((entry, index) => {
      times.get(entry.event)?.push((entries[index + 1]?.at ?? Number.NaN) - entry.at);
    });
  }
  const how = warm === 'auto' ? 'clone' : 'boots';
  return [...times].map(([phase, list]) => summarize(`${guest}, ${how}: ${phases[phase]}`, list));
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

function at(entries: readonly TimelineEntry[], event: TimelineEntry['event']): number {
  return entries.find((entry) => entry.event === event)?.at ?? Number.NaN;
}

async function runJob(cluster: TestCluster, args: readonly string[]): Promise<TimelineEntry[]> {
  const id = await cluster.submit(args, '#!/bin/sh\ntrue\n', 'true.sh');
  const { exitStatus, stderr } = await cluster.wait(id);
  if (exitStatus !== 0) throw new Error(`job ${id} ended with ${exitStatus}: ${stderr}`);
  return await timeline(cluster, id);
}

async function timeline(cluster: TestCluster, id: string): Promise<TimelineEntry[]> {
  const state = join(cluster.user.home, '.local/state/vtorque');
  const lines = (await readFile(timelinePath(state, id), 'utf8')).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as TimelineEntry).filter(({ event }) => event !== 'fact');
}

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
  guest: 'boot and guest set-up',
  script: 'script "true"',
  'tear-down': 'tear-down',
  total: 'launcher start to end',
};

/** The phases of jobs that do nothing, one job after the other, by the jobs' own time lines. */
export async function measureJobs(cluster: TestCluster, guest: string, jobs: number): Promise<Measurement[]> {
  const times = new Map<string, number[]>(Object.keys(phases).map((phase) => [phase, []]));
  for (let run = 0; run < jobs; run++) {
    const submitted = Date.now();
    const id = await cluster.submit(['-vm', `img=${guest},vcpus=1,ram=512M`], '#!/bin/sh\ntrue\n', 'true.sh');
    const { exitStatus, stderr } = await cluster.wait(id);
    if (exitStatus !== 0) throw new Error(`job ${id} ended with ${exitStatus}: ${stderr}`);
    const entries = await timeline(cluster, id);
    const at = (event: TimelineEntry['event']): number =>
      entries.find((entry) => entry.event === event)?.at ?? Number.NaN;
    times.get('queued')?.push(at('start') - submitted);
    times.get('total')?.push(at('end') - at('start'));
    entries.slice(0, -1).forEach((entry, index) => {
      times.get(entry.event)?.push((entries[index + 1]?.at ?? Number.NaN) - entry.at);
    });
  }
  return [...times].map(([phase, list]) => summarize(`${guest}: ${phases[phase]}`, list));
}

async function timeline(cluster: TestCluster, id: string): Promise<TimelineEntry[]> {
  const state = join(cluster.user.home, '.local/state/vtorque');
  const lines = (await readFile(timelinePath(state, id), 'utf8')).trimEnd().split('\n');
  return lines.map((line) => JSON.parse(line) as TimelineEntry).filter(({ event }) => event !== 'fact');
}

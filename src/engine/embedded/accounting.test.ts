import assert from 'node:assert/strict';
import { test } from 'node:test';
import { accountingLine, eventOf } from './accounting.ts';
import { aJob } from './test-builders.ts';

// Torque 6.1's own records of this job, with times in this process's zone.
const at = new Date('2026-11-22T06:12:41').getTime();
const job = aJob(
  {
    sequence: 687,
    state: 'C',
    ctime: at - 14_000,
    qtime: at - 14_000,
    etime: at - 14_000,
    startTime: at - 13_000,
    endTime: at - 1000,
    attempt: 1,
    session: 6112,
    exitStatus: 0,
    used: { cpuMs: 40, memKb: 10944, vmemKb: 24888 },
    allocation: [
      { node: 'n2', slots: [0, 1] },
      { node: 'n1', slots: [0, 1] },
    ],
  },
  {
    name: 'long',
    account: 'proj',
    resources: [
      ['nodes', '2:ppn=2'],
      ['walltime', '00:01:30'],
      ['mem', '100mb'],
      ['software', 'vmimg'],
      ['nodect', '2'],
    ],
  },
);
const seconds = (ms: number): number => Math.floor(ms / 1000);
const started = `user=tqa group=tqa account=proj jobname=long queue=batch ctime=${seconds(at) - 14} qtime=${seconds(at) - 14} etime=${seconds(at) - 14} start_count=1 start=${seconds(at) - 13} owner=tqa@tqhead exec_host=n2/0-1+n1/0-1 Resource_List.nodes=2:ppn=2 Resource_List.walltime=00:01:30 Resource_List.mem=100mb Resource_List.software=vmimg Resource_List.nodect=2 Resource_List.neednodes=2:ppn=2`;

test('accounting records are Torque’s', () => {
  assert.equal(accountingLine('Q', job, at), '11/22/2026 06:12:41;Q;687.tqhead;queue=batch');
  assert.equal(accountingLine('S', job, at), `11/22/2026 06:12:41;S;687.tqhead;${started} `);
  assert.equal(
    accountingLine('E', job, at),
    `11/22/2026 06:12:41;E;687.tqhead;${started} session=6112 total_execution_slots=4 unique_node_count=2 end=${seconds(at) - 1} Exit_status=0 resources_used.cput=0 resources_used.vmem=24888kb resources_used.walltime=00:00:12 resources_used.mem=10944kb resources_used.energy_used=0`,
  );
  assert.equal(accountingLine('D', job, at, 'tqa@tqhead'), '11/22/2026 06:12:41;D;687.tqhead;requestor=tqa@tqhead');
  assert.equal(accountingLine('A', job, at), '11/22/2026 06:12:41;A;687.tqhead;');
});

test('a run is accounted for at its start, its end and its return to the queue, an array never', () => {
  assert.equal(eventOf(aJob({ state: 'R' }), 'Q'), 'S');
  assert.equal(eventOf(aJob({ state: 'C' }), 'R'), 'E');
  assert.equal(eventOf(aJob({ state: 'Q' }), 'R'), 'R');
  assert.equal(eventOf(aJob({ state: 'C' }), 'H'), undefined);
  assert.equal(eventOf(aJob({ state: 'R', element: 'all' }), 'Q'), undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { QueueView, ServerReply } from '../../engine/embedded/protocol.ts';
import { formatLimits, formatQueues, formatQueuesFull, formatServer, formatServerFull } from './qstat-queues.ts';

// The expected texts are what Torque 6.1 printed.
const batch: QueueView = {
  name: 'batch',
  enabled: true,
  started: true,
  defaults: [
    ['walltime', '01:00:00'],
    ['nodes', '1'],
  ],
  max: [],
  counts: { Q: 1, R: 4, H: 2, C: 218 },
  nodesInUse: 5,
  memoryInUse: 104857600,
};
const reply: ServerReply = {
  server: 'tqhead',
  version: '0',
  since: 1795327458_000,
  defaultQueue: 'batch',
  keepCompleted: 300,
  downOnError: false,
  nextSequence: 692,
  queues: [batch],
};

test('qstat -q prints Torque’s table of limits', () => {
  assert.equal(
    formatLimits(reply, reply.queues),
    `
server: tqhead

Queue            Memory CPU Time Walltime Node  Run Que Lm  State
---------------- ------ -------- -------- ----  --- --- --  -----
batch              --      --       --      --    4   3 --   E R
                                               ----- -----
                                                   4     3
`,
  );
});

test('qstat -q shows limits in their columns, and what is closed', () => {
  const max = [
    ['walltime', '00:10:00'],
    ['nodect', '2'],
    ['mem', '100mb'],
  ] as const;
  const short = { ...batch, name: 'short', max, enabled: false, started: false };
  const rows = formatLimits(reply, [short]).split('\n');
  assert.equal(rows[5], 'short             100mb    --    00:10:00    2    4   3 --   D S');
});

test('qstat -Q and -B print Torque’s counts', () => {
  assert.equal(
    formatQueues(reply.queues),
    `Queue              Max    Tot   Ena   Str   Que   Run   Hld   Wat   Trn   Ext T   Cpt
----------------   ---   ----    --    --   ---   ---   ---   ---   ---   --- -   ---
batch                0    225   yes   yes     1     4     2     0     0     0 E   218
`,
  );
  assert.equal(
    formatServer(reply),
    `Server             Max   Tot   Que   Run   Hld   Wat   Trn   Ext   Com Status    
----------------   ---   ---   ---   ---   ---   ---   ---   ---   --- ----------
tqhead               0   225     1     4     2     0     0     0   218 Active    
`,
  );
});

test('qstat -Qf prints a queue as Torque does', () => {
  assert.equal(
    formatQueuesFull(reply, reply.queues),
    `Queue: batch
    queue_type = Execution
    total_jobs = 225
    state_count = Transit:0 Queued:1 Held:2 Waiting:0 Running:4 Exiting:0 Comp
	lete:218 
    resources_default.walltime = 01:00:00
    resources_default.nodes = 1
    mtime = 1795327458
    resources_assigned.nodect = 5
    resources_assigned.mem = 104857600b
    enabled = True
    started = True

`,
  );
});

test('qstat -Bf prints what the server has of Torque’s attributes, in its order', () => {
  assert.equal(
    formatServerFull(reply),
    `Server: tqhead
    server_state = Active
    scheduling = True
    total_jobs = 225
    state_count = Transit:0 Queued:1 Held:2 Waiting:0 Running:4 Exiting:0 Comp
	lete:218 
    acl_hosts = tqhead
    managers = root@tqhead
    operators = root@tqhead
    default_queue = batch
    resources_assigned.nodect = 5
    resources_assigned.mem = 104857600b
    down_on_error = False
    pbs_version = vtorque-0
    keep_completed = 300
    next_job_number = 692

`,
  );
});

import type { QueueView, ServerReply } from '../../engine/embedded/protocol.ts';
import { wrap } from './qstat-full.ts';

/** `qstat -q`: queues with their limits. */
export function formatLimits({ server }: ServerReply, queues: readonly QueueView[]): string {
  const runs = queues.map(({ counts }) => counts.R);
  const waits = queues.map(({ counts }) => counts.Q + counts.H);
  const rows = queues.map((queue, i) => {
    const max = new Map(queue.max);
    const limit = (name: string, width: number, otherwise: string): string =>
      max.get(name)?.padStart(width) ?? otherwise;
    return [
      `${queue.name.padEnd(16)} ${limit('mem', 6, '  --  ')}    --    ${limit('walltime', 8, '   --   ')}`,
      `${limit('nodect', 4, '  --')}  ${number(runs[i] ?? 0)} ${number(waits[i] ?? 0)} --`,
      `  ${queue.enabled ? 'E' : 'D'} ${queue.started ? 'R' : 'S'}`,
    ].join(' ');
  });
  return lines([
    '',
    `server: ${server}`,
    '',
    'Queue            Memory CPU Time Walltime Node  Run Que Lm  State',
    '---------------- ------ -------- -------- ----  --- --- --  -----',
    ...rows,
    `${' '.repeat(47)}----- -----`,
    `${' '.repeat(47)}${String(sum(runs)).padStart(5)} ${String(sum(waits)).padStart(5)}`,
  ]);
}

/** `qstat -Q`: how many jobs a queue has in each state. */
export function formatQueues(queues: readonly QueueView[]): string {
  return lines([
    'Queue              Max    Tot   Ena   Str   Que   Run   Hld   Wat   Trn   Ext T   Cpt',
    '----------------   ---   ----    --    --   ---   ---   ---   ---   ---   --- -   ---',
    ...queues.map(({ name, counts: { Q, R, H, C }, enabled, started }) => {
      const columns = [
        String(Q + R + H + C).padStart(4),
        yes(enabled),
        yes(started),
        ...[Q, R, H, 0, 0, 0].map(number),
      ];
      return `${[name.padEnd(16), number(0), ...columns].join('   ')} E   ${number(C)}`;
    }),
  ]);
}

/** `qstat -B`: the same for all queues together. */
export function formatServer({ server, queues }: ServerReply): string {
  const { Q, R, H, C } = totals(queues);
  const columns = [0, Q + R + H + C, Q, R, H, 0, 0, 0, C].map(number);
  return lines([
    'Server             Max   Tot   Que   Run   Hld   Wat   Trn   Ext   Com Status    ',
    '----------------   ---   ---   ---   ---   ---   ---   ---   ---   --- ----------',
    `${[server.padEnd(16), ...columns].join('   ')} Active    `,
  ]);
}

/** `qstat -Qf`: queues with all their attributes. */
export function formatQueuesFull({ since }: ServerReply, queues: readonly QueueView[]): string {
  return queues
    .map((queue) =>
      block(`Queue: ${queue.name}`, [
        ['queue_type', 'Execution'],
        ['total_jobs', String(total(queue.counts))],
        ['state_count', stateCount(queue.counts)],
        ...queue.max.map(([name, value]) => [`resources_max.${name}`, value] as const),
        ...queue.defaults.map(([name, value]) => [`resources_default.${name}`, value] as const),
        ['mtime', String(Math.floor(since / 1000))],
        ...assigned([queue]),
        ['enabled', truth(queue.enabled)],
        ['started', truth(queue.started)],
      ]),
    )
    .join('');
}

/** `qstat -Bf`: the server with those of its attributes that it has here. */
export function formatServerFull(reply: ServerReply): string {
  const counts = totals(reply.queues);
  return block(`Server: ${reply.server}`, [
    ['server_state', 'Active'],
    ['scheduling', 'True'],
    ['total_jobs', String(total(counts))],
    ['state_count', stateCount(counts)],
    ['acl_hosts', reply.server],
    ['managers', `root@${reply.server}`],
    ['operators', `root@${reply.server}`],
    ['default_queue', reply.defaultQueue],
    ...assigned(reply.queues),
    ['down_on_error', truth(reply.downOnError)],
    ['pbs_version', `vtorque-${reply.version}`],
    ['keep_completed', String(reply.keepCompleted)],
    ['next_job_number', String(reply.nextSequence)],
  ]);
}

type Counts = QueueView['counts'];

function totals(queues: readonly QueueView[]): Counts {
  const add = (state: keyof Counts): number => sum(queues.map(({ counts }) => counts[state]));
  return { Q: add('Q'), H: add('H'), R: add('R'), C: add('C') };
}

function total({ Q, H, R, C }: Counts): number {
  return Q + H + R + C;
}

function stateCount({ Q, H, R, C }: Counts): string {
  return `Transit:0 Queued:${Q} Held:${H} Waiting:0 Running:${R} Exiting:0 Complete:${C} `;
}

function assigned(queues: readonly QueueView[]): [string, string][] {
  const nodes = sum(queues.map(({ nodesInUse }) => nodesInUse));
  const memory = sum(queues.map(({ memoryInUse }) => memoryInUse));
  return [
    ...(nodes > 0 ? [['resources_assigned.nodect', String(nodes)] as [string, string]] : []),
    ...(memory > 0 ? [['resources_assigned.mem', `${memory}b`] as [string, string]] : []),
  ];
}

function block(head: string, attributes: readonly (readonly [name: string, value: string])[]): string {
  const rows = attributes.map(([name, value]) => {
    const start = `    ${name} = `;
    return start + wrap(value, start.length);
  });
  return lines([head, ...rows, '']);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((a, b) => a + b, 0);
}

function number(value: number): string {
  return String(value).padStart(3);
}

function yes(value: boolean): string {
  return value ? 'yes' : ' no';
}

function truth(value: boolean): string {
  return value ? 'True' : 'False';
}

function lines(all: readonly string[]): string {
  return all.map((line) => `${line}\n`).join('');
}

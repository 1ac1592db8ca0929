import type { Counter } from './counters.ts';

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly samples: readonly Sample[];
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * The counters of one user on one machine in Prometheus' text format, as node_exporter reads it from files. Pure.
 * @param user a label of every sample, since one machine has such counters of several users
 */
export function metricsText(counters: readonly Counter[], user: string): string {
  return metricsOf(counters)
    .map(({ name, help, type, samples }) =>
      [
        `# HELP ${name} ${help}`,
        `# TYPE ${name} ${type}`,
        ...samples.map(({ labels, value }) => `${name}${labelsText({ user, ...labels })} ${value}`),
      ].join('\n'),
    )
    .map((text) => `${text}\n`)
    .join('');
}

function metricsOf(counters: readonly Counter[]): Metric[] {
  const starts = counters.filter(({ event: [what] }) => what === 'start');
  const fallbacks = starts.filter(({ event: [, how] }) => how === 'fallback');
  const of = (how: Counter['event'][1]): Counter[] => counters.filter(({ event }) => event[1] === how);
  return [
    {
      ...{ name: 'vtorque_vm_starts_total', type: 'counter' },
      help: 'VMs of jobs whose guest has answered: from a template (warm), booted (cold), or booted since something had failed (fallback).',
      samples: starts.map(({ event: [, how, reason = ''], value }) => ({ labels: { how, reason }, value })),
    },
    {
      ...{ name: 'vtorque_vm_last_fallback_timestamp_seconds', type: 'gauge' },
      help: 'When a VM booted last since something had failed; 0: never.',
      samples: [{ labels: {}, value: Math.floor(Math.max(0, ...fallbacks.map(({ last }) => last)) / 1000) }],
    },
    {
      ...{ name: 'vtorque_templates_made_total', type: 'counter' },
      help: 'Templates that were made.',
      samples: [{ labels: {}, value: of('made')[0]?.value ?? 0 }],
    },
    {
      ...{ name: 'vtorque_templates_given_up_total', type: 'counter' },
      help: 'Templates that could not be made, or did not come up, and are left alone for a while.',
      samples: of('given-up').map(({ event: [, , reason = ''], value }) => ({ labels: { reason }, value })),
    },
  ];
}

function labelsText(labels: Readonly<Record<string, string>>): string {
  return `{${Object.entries(labels)
    .map(([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (sign) => (sign === '\n' ? '\\n' : `\\${sign}`))}"`)
    .join()}}`;
}

import { shellWord } from '../../base/index.ts';
import type { ExplainedMachine, Explanation } from './explanation.ts';

/** An explanation for people. */
export function explanationText(explanation: Explanation): string {
  const { vm, values, warnings, batch, config, machine } = explanation;
  const submit = [
    `system   ${batch.system === null ? 'none found here' : batch.system}`,
    ...(vm ? [`queue    ${batch.queue ?? 'that of the batch system'}`] : []),
    ...vmsLine(batch.nodes ?? 1, explanation.request?.vmsPerNode ?? 1),
    ...batch.added.map(
      ({ words, reason, replaces }) =>
        `added    ${words.join(' ')}  (${reason}${replaces === undefined ? '' : `; instead of ${replaces}`})`,
    ),
    `command  ${[batch.qsub ?? 'qsub', ...batch.argv].map(shellWord).join(' ')}`,
  ];
  if (!vm) return section('No virtual machine was asked for: vsub is qsub', submit);
  const width = Math.max(...values.map(({ key, value }) => `${key}=${value ?? ''}`.length));
  const request = values.map(
    ({ key, value, from }) => `${(value === null ? key : `${key}=${value}`).padEnd(width)}  ${from}`,
  );
  return [
    section('Request', request),
    ...(warnings.length === 0 ? [] : [section('Warnings', warnings)]),
    section('Batch system', submit),
    ...(machine === null
      ? []
      : 'problem' in machine
        ? [section('Machine', [`cannot be told here: ${String(machine.problem.message)}`])]
        : machineText(machine)),
    section('Site', [config === null ? 'no configuration: all as built in' : `configuration ${config}`]),
  ].join('\n');
}

function vmsLine(nodes: number, each: number): string[] {
  if (nodes === 1 && each === 1) return [];
  const vms = each === 1 ? 'one VM' : `${each} VMs`;
  return [
    nodes === 1
      ? `VMs      ${each} on one node; the script runs in the first`
      : `nodes    ${nodes}, with ${vms} on each; the script runs in ${each === 1 ? 'that' : 'the first'} of the first`,
  ];
}

function machineText({ guest, accelerator, shares, placement, qemu }: ExplainedMachine): string[] {
  const kernel = guest.kernel === null ? "the image's own" : guest.kernel;
  const folders = shares.folders.map(
    ({ source, targets, readonly }) => `${source} at ${targets.join(' and ')}${readonly ? ', read-only' : ''}`,
  );
  return [
    section('Guest, as it would be if this machine were the node', [
      `system   ${guest.name}${guest.disk === null ? '' : ` (${guest.disk})`}`,
      `kernel   ${kernel}`,
      `runs on  ${accelerator.name}: ${accelerator.reason}`,
      `placed   ${placement}`,
      `folders  ${shares.transport}: ${shares.reason}`,
      ...folders.map((folder) => `         ${folder}`),
    ]),
    section('QEMU', [commandText(qemu)]),
  ];
}

/** A command for a shell, an option on each line. */
export function commandText(argv: readonly string[]): string {
  return argv
    .map((word, at) => `${at === 0 ? '' : word.startsWith('-') ? ' \\\n    ' : ' '}${shellWord(word)}`)
    .join('');
}

function section(heading: string, lines: readonly string[]): string {
  return `${heading}\n${lines.map((line) => `  ${line}\n`).join('')}`;
}

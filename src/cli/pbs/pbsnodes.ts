import { cpus, freemem, loadavg, release, totalmem, type, version } from 'node:os';
import type { Env } from '../../base/index.ts';
import { request } from '../../engine/embedded/client.ts';
import { type InfoReply, type NodesReply, type NodeView, PbsError } from '../../engine/embedded/protocol.ts';
import { CommandError, type CommandResult, notAvailable } from './command.ts';
import { getopt, type Options } from './getopt.ts';
import { escapeXml } from './xml.ts';

const USAGE =
  'usage:\tpbsnodes [-{o|r}] [-s server] [-n] [-N "note"] [-A "append note"] [-m standby|suspend|sleep|hibernate|shutdown|running] node node ...\n' +
  '\tpbsnodes -l [-s server] [-n]\n\tpbsnodes [-{a|x}] [-s server] [node]';

/** `pbsnodes`, `pbsnodes NODE...`, `pbsnodes -l [state]`, `pbsnodes -x`; `-o`, `-c`, `-r` and `-N` change nodes. */
export async function pbsnodes(args: readonly string[], env: Env): Promise<CommandResult> {
  const options = getopt('pbsnodes', args, 'aA:cdlm:nN:ors:qx', USAGE);
  for (const letter of ['A', 'd', 'm', 's']) {
    if (options.has(letter)) throw notAvailable('pbsnodes', `-${letter}`);
  }
  if (['c', 'o', 'r', 'N'].some((letter) => options.has(letter) && !options.has('l'))) return markNodes(options, env);
  const { nodes } = await request<NodesReply>(env, { op: 'nodes' });
  if (options.has('l')) return { stdout: nodeList(nodes, options), exitCode: 0 };
  const chosen = options.operands.length === 0 ? nodes : options.operands.map((name) => named(nodes, name));
  const { version } = await request<InfoReply>(env, { op: 'info' });
  return { stdout: formatNodes(chosen, version, options.has('x')), exitCode: 0 };
}

/** All attributes of nodes. @param version of vTorque */
export function formatNodes(nodes: readonly NodeView[], version: string, xml: boolean): string {
  const described = nodes.map((node) => ({ name: node.name, attributes: attributesOf(node, version) }));
  return xml ? asXml(described) : asText(described);
}

interface Described {
  readonly name: string;
  readonly attributes: readonly (readonly [name: string, value: string])[];
}

function named(nodes: readonly NodeView[], name: string): NodeView {
  const node = nodes.find((known) => known.name === name);
  if (node === undefined) {
    throw new CommandError(`pbsnodes: Unknown node  MSG=cannot locate specified node: ${name}`, 1);
  }
  return node;
}

/** Take nodes out of service (-o), back (-c), also after a failed hook (-r), and note why (-N). */
async function markNodes(options: Options, env: Env): Promise<CommandResult> {
  const ways = ['c', 'o', 'r'].filter((letter) => options.has(letter));
  if (options.operands.length === 0 || ways.length > 1) throw new CommandError(USAGE, 1);
  const note = options.value('N');
  const stderr: string[] = [];
  for (const node of options.operands) {
    const change = {
      ...(options.has('o') ? { offline: true } : {}),
      ...(options.has('c') ? { offline: false } : {}),
      ...(options.has('r') ? { reset: true } : {}),
      ...(note === undefined ? {} : { note }),
    };
    await request(env, { op: 'mark', node, ...change }).catch((error: unknown) => {
      if (!(error instanceof PbsError)) throw error;
      stderr.push(`Error marking node ${node} - ${error.message}\n`);
    });
  }
  return { stderr: stderr.join(''), exitCode: stderr.length > 0 ? 1 : 0 };
}

/** Without a state: the nodes that cannot be used. */
function nodeList(nodes: readonly NodeView[], options: Options): string {
  const [wanted] = options.operands;
  const shown = nodes.filter(({ state, jobs }) => {
    const states = state.split(',');
    const unusable = states.some((one) => ['down', 'offline', 'unknown'].includes(one));
    if (wanted === undefined) return unusable;
    if (wanted === 'up') return !unusable;
    return wanted === 'all' || states.includes(wanted) || (wanted === 'active' && jobs.length > 0);
  });
  const row = ({ name, state, note = '' }: NodeView): string =>
    `${name.padEnd(20)} ${options.has('n') ? `${state.padEnd(26)} ${note}` : state}\n`;
  return shown.map(row).join('');
}

function attributesOf(node: NodeView, version: string): [string, string][] {
  return [
    ['state', node.state],
    ['power_state', 'Running'],
    ['np', String(node.np)],
    ['ntype', 'cluster'],
    ...(node.jobs.length > 0 ? [['jobs', node.jobs.join(',')] as [string, string]] : []),
    ['status', statusOf(node, version)],
    ...(node.note ? [['note', node.note] as [string, string]] : []),
    ['mom_service_port', '15002'],
    ['mom_manager_port', '15003'],
  ];
}

/** What a node daemon reports about its machine: all virtual nodes are on this one. */
function statusOf(node: NodeView, vtorque: string): string {
  const kb = (bytes: number): string => `${Math.floor(bytes / 1024)}kb`;
  return [
    'opsys=linux',
    `uname=${type()} ${node.name} ${release()} ${version()} ${process.arch === 'x64' ? 'x86_64' : process.arch}`,
    `totmem=${kb(totalmem())}`,
    `availmem=${kb(freemem())}`,
    `physmem=${kb(totalmem())}`,
    `ncpus=${cpus().length}`,
    `loadave=${(loadavg()[0] ?? 0).toFixed(2)}`,
    'gres=',
    'state=free',
    `version=vtorque-${vtorque}`,
    `rectime=${Math.floor(Date.now() / 1000)}`,
    `jobs=${node.jobs.map((job) => job.slice(job.indexOf('/') + 1)).join(' ')}`,
  ].join(',');
}

function asText(nodes: readonly Described[]): string {
  const lines = nodes.flatMap(({ name, attributes }) => [
    name,
    ...attributes.map(([key, value]) => `     ${key} = ${value}`),
    '',
  ]);
  return lines.map((line) => `${line}\n`).join('');
}

function asXml(nodes: readonly Described[]): string {
  const element = (key: string, content: string): string => `<${key}>${content}</${key}>`;
  const list = nodes.map(({ name, attributes }) =>
    element(
      'Node',
      [['name', name] as const, ...attributes].map(([key, value]) => element(key, escapeXml(value))).join(''),
    ),
  );
  return `${element('Data', list.join(''))}\n`;
}

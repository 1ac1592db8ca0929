import { cpus, freemem, loadavg, release, totalmem, type, version } from 'node:os';
import { request } from '../../engine/embedded/client.ts';
import type { InfoReply, NodesReply, NodeView } from '../../engine/embedded/protocol.ts';
import { CommandError, type CommandResult, type Env, notAvailable } from './command.ts';
import { getopt } from './getopt.ts';
import { escapeXml } from './xml.ts';

const USAGE =
  'usage:\tpbsnodes [-{o|r}] [-s server] [-n] [-N "note"] [-A "append note"] [-m standby|suspend|sleep|hibernate|shutdown|running] node node ...\n' +
  '\tpbsnodes -l [-s server] [-n]\n\tpbsnodes [-{a|x}] [-s server] [node]';

/** `pbsnodes`, `pbsnodes NODE...`, `pbsnodes -l [state]`, `pbsnodes -x`. */
export async function pbsnodes(args: readonly string[], env: Env): Promise<CommandResult> {
  const options = getopt('pbsnodes', args, 'aA:cdlm:nN:ors:qx', USAGE);
  for (const letter of ['A', 'c', 'd', 'm', 'n', 'N', 'o', 'r', 's']) {
    if (options.has(letter)) throw notAvailable('pbsnodes', `-${letter}`);
  }
  const { nodes } = await request<NodesReply>(env, { op: 'nodes' });
  if (options.has('l')) return { stdout: nodeList(nodes, options.operands[0]), exitCode: 0 };
  const chosen = options.operands.length === 0 ? nodes : options.operands.map((name) => named(nodes, name));
  const { version } = await request<InfoReply>(env, { op: 'info' });
  const described = chosen.map((node) => ({ name: node.name, attributes: attributesOf(node, version) }));
  return { stdout: options.has('x') ? asXml(described) : asText(described), exitCode: 0 };
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

/** Without a state: the nodes that cannot be used. There are none here. */
function nodeList(nodes: readonly NodeView[], state: string | undefined): string {
  const shown = nodes.filter((node) => {
    if (state === undefined) return ['down', 'offline', 'unknown'].includes(node.state);
    return state === 'all' || state === 'up' || node.state === state || (state === 'active' && node.jobs.length > 0);
  });
  return shown.map((node) => `${node.name.padEnd(20)} ${node.state}\n`).join('');
}

function attributesOf(node: NodeView, version: string): [string, string][] {
  return [
    ['state', node.state],
    ['power_state', 'Running'],
    ['np', String(node.np)],
    ['ntype', 'cluster'],
    ...(node.jobs.length > 0 ? [['jobs', node.jobs.join(',')] as [string, string]] : []),
    ['status', statusOf(node, version)],
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

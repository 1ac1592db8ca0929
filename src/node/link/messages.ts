import { messageOf, type Phase, VtorqueError } from '../../base/index.ts';
import type { NetworkFacts, NetworkPlan, TrunkPlace } from '../../network/index.ts';
import type { HostSlots } from '../../pbs/index.ts';
import type { VmRequest } from '../../request/index.ts';
import type { HookEnd, HookOrders, JobSsh, StartStep, Variables } from '../guest/index.ts';
import { protocolError } from './frames.ts';

/** Of the messages; raised with every change that an older side would misunderstand. */
export const PROTOCOL_VERSION = 2;

/** What a node is told of the job, besides what it knows itself. */
export interface NodePlan {
  readonly request: VmRequest;
  readonly hosts: readonly HostSlots[];
  /** Of the node among `hosts`. */
  readonly nodeIndex: number;
  readonly nodeFile: string;
  readonly cwd: string;
  readonly umask: number;
  /** Paths of the directories that the job names; on each node those count that are there. */
  readonly directories: readonly string[];
  /** Path of the submitted script on the first node. */
  readonly scriptPath: string;
  /** What the job brings into all of its VMs. */
  readonly variables: Variables;
  readonly hooks: HookOrders;
  /** None for a job without. */
  readonly network?: NetworkPlan | undefined;
  /** Keys of this run of the job; none where it wants none. */
  readonly ssh?: JobSsh;
}

/** An error on its way to the launcher. */
export interface ErrorData {
  readonly code: string;
  readonly message: string;
  readonly hint?: string | undefined;
  readonly phase?: Phase | undefined;
  readonly details: readonly string[];
}

/** What a node agent says. docs/node-protocol.md is the page about these. */
export type FromNode =
  | { readonly type: 'hello'; readonly version: number; readonly node: string; readonly network: NetworkFacts }
  | { readonly type: 'progress'; readonly event: StartStep; readonly value?: string }
  | { readonly type: 'ready'; readonly vms: readonly string[] }
  /** What a hook in a guest has printed. */
  | { readonly type: 'hook output'; readonly file: string; readonly base64: string }
  | { readonly type: 'hook end'; readonly end: HookEnd }
  | { readonly type: 'failed'; readonly error: ErrorData }
  | { readonly type: 'ended' };

/** What the launcher says. */
export type ToNode =
  | { readonly type: 'plan'; readonly plan: NodePlan }
  /** All nodes are ready: the script runs. */
  | { readonly type: 'go' }
  /** The job is to end by a signal, which the script has not got yet. */
  | { readonly type: 'precancel' }
  /** The script has ended: end the guest so that nothing it wrote is lost. */
  | { readonly type: 'end'; readonly exitCode: number };

/** Said by both, so that silence means something. */
export type Heartbeat = { readonly type: 'heartbeat' };

const shapes: Readonly<Record<FromNode['type'], (message: Record<string, unknown>) => boolean>> = {
  // Another version may say less: its number is all that counts then.
  hello: ({ version, node, network }) =>
    typeof version === 'number' &&
    typeof node === 'string' &&
    (version !== PROTOCOL_VERSION || isNetworkFacts(network)),
  progress: ({ event, value }) => typeof event === 'string' && (value === undefined || typeof value === 'string'),
  'hook output': ({ file, base64 }) => typeof file === 'string' && typeof base64 === 'string',
  'hook end': ({ end }) => isHookEnd(end),
  ready: ({ vms }) => areStrings(vms),
  failed: ({ error }) => isErrorData(error),
  ended: () => true,
};

/**
 * Read a message of a node agent: another version may run there.
 * @throws VtorqueError `E_NODE_PROTOCOL`
 */
export function readFromNode(message: Record<string, unknown>): FromNode {
  const { type } = message;
  const fits = typeof type === 'string' && Object.hasOwn(shapes, type) ? shapes[type as FromNode['type']] : undefined;
  if (fits?.(message) !== true) throw protocolError(`a message of type ${JSON.stringify(type)} that is not understood`);
  return message as FromNode;
}

/**
 * Read a message of the launcher. It has proved that it is the job's, and its hello was answered: the shape is its own.
 * @throws VtorqueError `E_NODE_PROTOCOL`
 */
export function readToNode(message: Record<string, unknown>): ToNode {
  const { type, plan, exitCode } = message;
  if (type === 'plan' && typeof plan === 'object' && plan !== null) return { type, plan: plan as NodePlan };
  if (type === 'go' || type === 'precancel') return { type };
  if (type === 'end' && typeof exitCode === 'number') return { type, exitCode };
  throw protocolError(`a message of type ${JSON.stringify(type)} that is not understood`);
}

/** Anything that was thrown, as data. */
export function errorData(thrown: unknown): ErrorData {
  if (thrown instanceof VtorqueError) {
    const { code, message, hint, phase, details } = thrown;
    return { code, message, hint, phase, details };
  }
  const stack = thrown instanceof Error ? (thrown.stack ?? '').split('\n').slice(1, 9) : [];
  return {
    code: 'E_INTERNAL',
    message: `Internal error: ${messageOf(thrown)}`,
    hint: 'This is a mistake in vTorque: please report it with these lines and the command',
    details: stack.map((line) => line.trim()),
  };
}

/** The error again, with the node on which it was thrown. */
export function nodeError({ code, message, hint, phase, details }: ErrorData, node: string): VtorqueError {
  return new VtorqueError(code, message, {
    ...(hint === undefined ? {} : { hint }),
    ...(phase === undefined ? {} : { phase }),
    details,
    node,
  });
}

const phases: readonly unknown[] = [
  ...['check', 'submit', 'plan', 'network', 'storage', 'vm-start', 'guest', 'script', 'tear-down', undefined],
];

function isHookEnd(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { vm, hook, how, good } = value as Partial<Record<keyof HookEnd, unknown>>;
  return [vm, hook, how].every((text) => typeof text === 'string') && typeof good === 'boolean';
}

function isErrorData(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { code, message, hint, phase, details } = value as Partial<Record<keyof ErrorData, unknown>>;
  return (
    typeof code === 'string' &&
    typeof message === 'string' &&
    (hint === undefined || typeof hint === 'string') &&
    phases.includes(phase) &&
    areStrings(details)
  );
}

function isNetworkFacts(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { routes, trunk, prepared, site } = value as Partial<Record<keyof NetworkFacts, unknown>>;
  if (typeof trunk !== 'object' || trunk === null) return false;
  const { hosts, port } = trunk as Partial<Record<keyof TrunkPlace, unknown>>;
  return areStrings(routes) && areStrings(hosts) && typeof port === 'number' && isOffer(prepared) && isOffer(site);
}

function isOffer(value: unknown): boolean {
  if (value === undefined) return true;
  if (typeof value !== 'object' || value === null) return false;
  const { refused, taps, mtu, vni, machine } = value as Record<string, unknown>;
  if (refused !== undefined) return typeof refused === 'string';
  const known =
    (vni === undefined || typeof vni === 'number') && (machine === undefined || typeof machine === 'string');
  return known && typeof taps === 'number' && typeof mtu === 'number';
}

function areStrings(value: unknown): boolean {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

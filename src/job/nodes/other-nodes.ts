import { setTimeout as delay } from 'node:timers/promises';
import { type VtorqueError, within } from '../../base/index.ts';
import type { Allocation, JobEngine, NodeTasks } from '../../engine/index.ts';
import type { StartStep } from '../../node/guest/index.ts';
import {
  Channel,
  type ChannelTimes,
  type FromNode,
  linkKey,
  listenForNodes,
  type NodePlan,
  nodeError,
  PROTOCOL_VERSION,
  readFromNode,
  type ToNode,
} from '../../node/link/index.ts';
import { listenPlace } from './address.ts';
import { Barrier } from './barrier.ts';
import { agentLost, agentNotStarted, nodesNotEnded, nodesNotReady, nodesSilent, wrongVersion } from './errors.ts';

/** The VMs of a job on its other nodes. Disposing of it ends them at once. */
export interface OtherNodes extends AsyncDisposable {
  /** Aborted with the reason when one of them fails. */
  readonly failed: AbortSignal;
  /**
   * Wait until all are ready, and tell them that the script starts.
   * @throws what the first that failed has failed with; `E_NODE_SILENT` for those that are not heard; the signal's reason
   */
  ready(signal: AbortSignal): Promise<void>;
  /** End all so that nothing that was written in them is lost. */
  end(): Promise<void>;
}

export interface OtherNodesOptions {
  readonly engine: JobEngine;
  readonly allocation: Allocation;
  /** The program of the agents; behind it go a port and the names of this host. */
  readonly agent: readonly [string, ...string[]];
  readonly plan: Omit<NodePlan, 'rank'>;
  readonly record: (node: string, event: StartStep, value: string | undefined) => void;
  readonly times?: Partial<NodeTimes>;
}

/** Milliseconds. */
export interface NodeTimes {
  /** From the start of the agents until each has been heard. */
  readonly heardMs: number;
  /** Until each has its VM ready. They have a deadline of their own for a guest; this one is for all that lies around it. */
  readonly readyMs: number;
  readonly endedMs: number;
  readonly channel: ChannelTimes | undefined;
}

/** On a busy node a batch system takes its time to start a program. A cloud image without KVM takes up to a quarter of an hour. */
const usual: NodeTimes = { heardMs: 60_000, readyMs: 1_200_000, endedMs: 30_000, channel: undefined };
/** The batch system may know why an agent is lost, a moment later than its connection breaks. */
const REASON_MS = 500;

/**
 * Start an agent on each node of the job but the first, and through it the VM there. It does not wait for them.
 * @throws VtorqueError `E_NODE_START`
 */
export async function startOtherNodes(options: OtherNodesOptions): Promise<OtherNodes> {
  const { engine, allocation, agent } = options;
  const times = { ...usual, ...options.times };
  const others = allocation.nodes.slice(1);
  const nodes = new Nodes(options, times);
  await using started = new AsyncDisposableStack();
  const place = listenPlace(allocation);
  const identities = new Map(others.map((_, at) => [linkKey(allocation, at + 1).identity, at + 1]));
  const listener = await listenForNodes({
    host: place.listen,
    keyOf: (identity) => {
      const index = identities.get(identity);
      return index === undefined || nodes.isConnected(index) ? undefined : linkKey(allocation, index).key;
    },
    onConnection: (socket, identity) => {
      const index = identities.get(identity);
      // Two at once with the same key: the first is the node.
      if (index === undefined || nodes.isConnected(index)) socket.destroy();
      else nodes.connect(index, new Channel(socket, readFromNode, times.channel));
    },
  });
  const tasks = await engine
    .startOnNodes(allocation, others, [...agent, String(listener.port), ...place.hosts])
    .catch(async (error: unknown) => {
      await listener[Symbol.asyncDispose]();
      throw error;
    });
  nodes.watchTasks(tasks);
  const over = new AbortController();
  nodes.expectAll(over.signal);
  started.defer(() => over.abort());
  // In this order: an agent ends when its connection does, and what does not is ended by the batch system.
  started.use(tasks);
  started.use(listener);
  const all = started.move();
  return {
    failed: nodes.barrier.failed,
    ready: (signal) => nodes.ready(signal),
    end: () => nodes.end(),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** The connections to the nodes, and what is known of them. */
class Nodes {
  readonly barrier: Barrier;
  readonly #options: OtherNodesOptions;
  readonly #times: NodeTimes;
  readonly #names: readonly string[];
  readonly #channels = new Map<number, Channel<ToNode, FromNode>>();
  #tasks: NodeTasks['failed'] = Promise.withResolvers<Awaited<NodeTasks['failed']>>().promise;

  constructor(options: OtherNodesOptions, times: NodeTimes) {
    this.#options = options;
    this.#times = times;
    this.#names = options.allocation.nodes.map(({ name }) => name);
    this.barrier = new Barrier(this.#names.slice(1));
  }

  isConnected(index: number): boolean {
    return this.#channels.has(index);
  }

  connect(index: number, channel: Channel<ToNode, FromNode>): void {
    const node = this.#names[index] ?? '';
    this.#channels.set(index, channel);
    channel.deliverTo((message) => this.#take(index, node, message));
    void channel.closed.then((why) => this.#lost(node, why));
  }

  watchTasks(tasks: NodeTasks): void {
    this.#tasks = tasks.failed;
    void tasks.failed.then(({ node, why }) => {
      if (node === undefined ? this.barrier.behind('ended').length === 0 : this.barrier.isEnded(node)) return;
      // What it has said itself in its last moment is the better reason, and is on its way.
      void delay(REASON_MS).then(() => this.barrier.fail(this.#lostError(node, why)));
    });
  }

  /** Each must say something soon: from now on, whatever else is waited for. */
  expectAll(over: AbortSignal): void {
    const { barrier } = this;
    const { heardMs } = this.#times;
    const signal = AbortSignal.any([barrier.failed, over]);
    const late = (): Error => nodesSilent(barrier.behind('starting'), heardMs);
    within(barrier.allHeard, { ms: heardMs, signal, late }).catch((error: unknown) => {
      if (!over.aborted) barrier.fail(error);
    });
  }

  async ready(signal: AbortSignal): Promise<void> {
    const { allReady, failed } = this.barrier;
    const both = AbortSignal.any([signal, failed]);
    try {
      await within(allReady, { ms: this.#times.readyMs, signal: both, late: () => this.#late() });
    } catch (error) {
      this.barrier.fail(error);
      throw failed.reason;
    }
    for (const node of this.#names.slice(1)) this.barrier.enter(node, 'script');
    this.#tell({ type: 'go' });
  }

  async end(): Promise<void> {
    for (const node of this.#names.slice(1)) this.barrier.enter(node, 'tear-down');
    this.#tell({ type: 'end' });
    const { allEnded, failed } = this.barrier;
    const { endedMs } = this.#times;
    await within(allEnded, {
      ms: endedMs,
      signal: failed,
      late: () => nodesNotEnded(this.barrier.behind('ended'), endedMs),
    });
  }

  #tell(message: ToNode): void {
    for (const channel of this.#channels.values()) channel.send(message);
  }

  #take(rank: number, node: string, message: FromNode): void {
    const { plan, record } = this.#options;
    const { barrier } = this;
    const channel = this.#channels.get(rank);
    switch (message.type) {
      case 'hello':
        if (message.version !== PROTOCOL_VERSION) barrier.fail(wrongVersion(node, message.version));
        else {
          barrier.reach(node, 'starting');
          channel?.send({ type: 'plan', plan: { ...plan, rank } });
        }
        break;
      case 'progress':
        if (message.event !== 'fact') barrier.enter(node, message.event);
        record(node, message.event, message.value);
        break;
      case 'ready':
        barrier.reach(node, 'ready');
        break;
      case 'failed':
        barrier.fail(nodeError(message.error, node));
        break;
      case 'ended':
        barrier.reach(node, 'ended');
        channel?.[Symbol.dispose]();
    }
  }

  async #lost(node: string, why: string): Promise<void> {
    if (this.barrier.isEnded(node)) return;
    const known = await Promise.race([this.#tasks, delay(REASON_MS)]);
    this.barrier.fail(this.#lostError(node, known?.node === node ? known.why : why));
  }

  #late(): VtorqueError {
    const late = this.barrier.behind('ready');
    return nodesNotReady(late, this.barrier.phaseOf(late[0] ?? ''), this.#times.readyMs);
  }

  #lostError(node: string | undefined, why: string): VtorqueError {
    const heard = node !== undefined && !this.barrier.behind('starting').includes(node);
    return heard ? agentLost(node, this.barrier.phaseOf(node), why) : agentNotStarted(node, why);
  }
}

import { setTimeout as delay } from 'node:timers/promises';
import { type VtorqueError, within } from '../../base/index.ts';
import type { Allocation, JobEngine, NodeTasks } from '../../engine/index.ts';
import { listenForPeers } from '../../link/index.ts';
import type { NetworkFacts, NetworkPlan } from '../../network/index.ts';
import { type HookReports, hookTime, type StartStep } from '../../node/guest/index.ts';
import {
  Channel,
  type ChannelTimes,
  type FromNode,
  linkKey,
  listenPlace,
  type NodePlan,
  nodeError,
  PROTOCOL_VERSION,
  readFromNode,
  type ToNode,
} from '../../node/link/index.ts';
import { Barrier } from './barrier.ts';
import { agentLost, agentNotStarted, nodesNotEnded, nodesNotReady, nodesSilent, wrongVersion } from './errors.ts';

/** The VMs of a job on its other nodes. Disposing of it ends them at once. */
export interface OtherNodes extends AsyncDisposable {
  /** Aborted with the reason when one of them fails. */
  readonly failed: AbortSignal;
  /**
   * Wait until each has told what must be known of it before the job's network is decided: in the order of the nodes.
   * @throws as `ready`
   */
  heard(signal: AbortSignal): Promise<NetworkFacts[]>;
  /** Let all start their VMs. */
  start(network: NetworkPlan | undefined): void;
  /**
   * Wait until all are ready, and tell them that the script starts.
   * @throws what the first that failed has failed with; `E_NODE_SILENT` for those that are not heard; the signal's reason
   */
  ready(signal: AbortSignal): Promise<void>;
  /** The job is to end by a signal. */
  precancel(): void;
  /**
   * End all so that nothing that was written in them is lost.
   * @param exitCode of the script
   */
  end(exitCode: number): Promise<void>;
}

export interface OtherNodesOptions {
  readonly engine: JobEngine;
  readonly allocation: Allocation;
  /** The program of the agents; behind it go a port and the names of this host. */
  readonly agent: readonly [string, ...string[]];
  readonly plan: Omit<NodePlan, 'nodeIndex' | 'network'>;
  readonly record: (node: string, event: StartStep, value: string | undefined) => void;
  readonly reports: HookReports;
  readonly times?: Partial<NodeTimes>;
}

/** Milliseconds. */
export interface NodeTimes {
  /** From the start of the agents until each has been heard. */
  readonly heardMs: number;
  /** Until each has its VM ready. They have a deadline of their own for a guest; this one is for all that lies around it. */
  readonly readyMs: number;
  readonly endedMs: number;
  /** The batch system may know why an agent is lost, that much later than its connection breaks; or the other way round. */
  readonly reasonMs: number;
  readonly channel: ChannelTimes | undefined;
}

/** On a busy node a batch system takes its time to start a program. A cloud image without KVM takes up to a quarter of an hour. */
const usual: NodeTimes = { heardMs: 60_000, readyMs: 1_200_000, endedMs: 30_000, reasonMs: 500, channel: undefined };

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
  const listener = await listenForPeers({
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
  // From the last to the first: an agent ends when its connection does, what does not is ended by the batch system, and who comes
  // before that finds somebody who sends it away, so that its complaint is not what the user reads first.
  started.use(listener);
  started.use(tasks);
  started.defer(() => listener.dismiss());
  started.defer(() => over.abort());
  const all = started.move();
  return {
    failed: nodes.barrier.failed,
    heard: (signal) => nodes.heard(signal),
    start: (network) => nodes.start(network),
    ready: (signal) => nodes.ready(signal),
    precancel: () => nodes.precancel(),
    end: (exitCode) => nodes.end(exitCode),
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

/** The connections to the nodes, and what is known of them. */
class Nodes {
  readonly barrier: Barrier;
  readonly #options: OtherNodesOptions;
  readonly #times: NodeTimes;
  readonly #names: readonly string[];
  readonly #facts = new Map<number, NetworkFacts>();
  readonly #channels = new Map<number, Channel<ToNode, FromNode>>();
  readonly #open = new Set<string>();
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
    this.#open.add(node);
    channel.deliverTo((message) => this.#take(index, node, message));
    void channel.closed.then((why) => {
      this.#open.delete(node);
      return this.#lost(node, why);
    });
  }

  watchTasks(tasks: NodeTasks): void {
    this.#tasks = tasks.failed;
    void tasks.failed.then(({ node, why }) => {
      if (node === undefined ? this.barrier.behind('ended').length === 0 : this.barrier.isEnded(node)) return;
      // What it has said itself in its last moment is the better reason, and is on its way.
      void delay(this.#times.reasonMs).then(() => {
        // A daemon that is started again may have lost what it knew of its tasks, and these live.
        if (!this.#speaks(node)) this.barrier.fail(this.#lostError(node, why));
      });
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

  async heard(signal: AbortSignal): Promise<NetworkFacts[]> {
    await this.#all(this.barrier.allHeard, signal);
    return [...this.#facts].sort(([one], [other]) => one - other).map(([, facts]) => facts);
  }

  start(network: NetworkPlan | undefined): void {
    for (const [nodeIndex, channel] of this.#channels) {
      channel.send({ type: 'plan', plan: { ...this.#options.plan, network, nodeIndex } });
    }
  }

  async ready(signal: AbortSignal): Promise<void> {
    await this.#all(this.barrier.allReady, signal);
    for (const node of this.#names.slice(1)) this.barrier.enter(node, 'script');
    this.#tell({ type: 'go' });
  }

  async #all(reached: Promise<void>, signal: AbortSignal): Promise<void> {
    const { failed } = this.barrier;
    const both = AbortSignal.any([signal, failed]);
    const ms = this.#times.readyMs + hookTime(this.#options.plan.hooks).beforeMs;
    try {
      await within(reached, { ms, signal: both, late: () => this.#late(ms) });
    } catch (error) {
      this.barrier.fail(error);
      throw failed.reason;
    }
  }

  precancel(): void {
    this.#tell({ type: 'precancel' });
  }

  async end(exitCode: number): Promise<void> {
    for (const node of this.#names.slice(1)) this.barrier.enter(node, 'tear-down');
    this.#tell({ type: 'end', exitCode });
    const { allEnded, failed } = this.barrier;
    const endedMs = this.#times.endedMs + hookTime(this.#options.plan.hooks).afterMs;
    await within(allEnded, {
      ms: endedMs,
      signal: failed,
      late: () => nodesNotEnded(this.barrier.behind('ended'), endedMs),
    });
  }

  #tell(message: ToNode): void {
    for (const channel of this.#channels.values()) channel.send(message);
  }

  #take(nodeIndex: number, node: string, message: FromNode): void {
    const { record, reports } = this.#options;
    const { barrier } = this;
    const channel = this.#channels.get(nodeIndex);
    switch (message.type) {
      case 'hello':
        if (message.version !== PROTOCOL_VERSION) barrier.fail(wrongVersion(node, message.version));
        else {
          this.#facts.set(nodeIndex, message.network);
          barrier.reach(node, 'starting');
        }
        break;
      case 'progress':
        if (message.event !== 'fact') barrier.enter(node, message.event);
        record(node, message.event, message.value);
        break;
      case 'hook output':
        reports.log(message.file, Buffer.from(message.base64, 'base64'));
        break;
      case 'hook end':
        reports.ended(message.end);
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

  /** Whether the agent of this node, or of all where it is not known which one is meant, is there whatever the batch system says. */
  #speaks(node: string | undefined): boolean {
    return (node === undefined ? this.#names.slice(1) : [node]).every((name) => this.#open.has(name));
  }

  async #lost(node: string, why: string): Promise<void> {
    if (this.barrier.isEnded(node)) return;
    const known = await Promise.race([this.#tasks, delay(this.#times.reasonMs)]);
    this.barrier.fail(this.#lostError(node, known?.node === node ? known.why : why));
  }

  #late(ms: number): VtorqueError {
    const late = this.barrier.behind('ready');
    return nodesNotReady(late, this.barrier.phaseOf(late[0] ?? ''), ms);
  }

  #lostError(node: string | undefined, why: string): VtorqueError {
    const heard = node !== undefined && !this.barrier.behind('starting').includes(node);
    return heard ? agentLost(node, this.barrier.phaseOf(node), why) : agentNotStarted(node, why);
  }
}

import { once } from 'node:events';
import { within } from '../../base/index.ts';
import type { NetworkFacts } from '../../network/index.ts';
import type { HookReports, StartStep } from '../guest/index.ts';
import { type Channel, errorData, type FromNode, type NodePlan, PROTOCOL_VERSION, type ToNode } from '../link/index.ts';

/** The VMs of a job on this node, as far as the agent has to do with them. Disposing of it ends them at once. */
export interface ServedGuests extends AsyncDisposable {
  readonly names: readonly string[];
  /** Wait for a word of the launcher, as long as the VMs live. */
  watch<T>(phase: 'guest' | 'script', work: Promise<T>): Promise<T>;
  /** The job is to end by a signal. */
  precancel(): Promise<void>;
  /** @param exitCode of the script */
  tearDown(exitCode: number): Promise<void>;
}

export interface ServeOptions {
  readonly channel: Channel<FromNode, ToNode>;
  /** Name of this node. */
  readonly node: string;
  /** What must be known of it for the job's network. */
  readonly network: NetworkFacts;
  readonly start: (
    plan: NodePlan,
    news: { readonly record: (event: StartStep, value?: string) => void; readonly reports: HookReports },
    signal: AbortSignal,
  ) => Promise<ServedGuests>;
}

/** How long the launcher may take to close the connection, once it was told how things ended here. */
const FAREWELL_MS = 10_000;

/**
 * Do on this node what the launcher says: start its VMs, keep them, end them. When the connection ends, whatever the reason, so do
 * the VMs. Nothing is left when this returns.
 */
export async function serveLauncher({ channel, node, network, start }: ServeOptions): Promise<void> {
  const over = new AbortController();
  void channel.closed.then((why) => over.abort(new Error(why)));
  const orders = new Orders(channel, over.signal);
  channel.send({ type: 'hello', version: PROTOCOL_VERSION, node, network });
  try {
    const { plan } = await orders.next('plan');
    const record = (event: StartStep, value?: string): void =>
      channel.send({ type: 'progress', event, ...(value === undefined ? {} : { value }) });
    const reports: HookReports = {
      log: (file, bytes) => channel.send({ type: 'hook output', file, base64: bytes.toString('base64') }),
      ended: (end) => channel.send({ type: 'hook end', end }),
    };
    await using guests = await start(plan, { record, reports }, over.signal);
    channel.send({ type: 'ready', vms: guests.names });
    await guests.watch('guest', orders.next('go'));
    const end = untilEnd(orders, guests);
    // Who waits for it may have gone, with the guest.
    end.catch(() => {});
    const { exitCode } = await guests.watch('script', end);
    await orders.orOver(guests.tearDown(exitCode));
    channel.send({ type: 'ended' });
  } catch (error) {
    if (!over.signal.aborted) channel.send({ type: 'failed', error: errorData(error) });
  }
  // The other side ends the connection when it has read the last word.
  await within(channel.closed, { ms: FAREWELL_MS, late: () => new Error('late') }).catch(() => {});
  channel[Symbol.dispose]();
}

async function untilEnd(orders: Orders, guests: ServedGuests): Promise<Extract<ToNode, { readonly type: 'end' }>> {
  const order = await orders.next('end', 'precancel');
  if (order.type === 'end') return order;
  void guests.precancel();
  return orders.next('end');
}

/** What the launcher says, in the only order that there is. */
class Orders {
  readonly #said: ToNode[] = [];
  readonly #over: Promise<never>;
  #wake = Promise.withResolvers<void>();

  constructor(channel: Channel<FromNode, ToNode>, over: AbortSignal) {
    this.#over = once(over, 'abort').then(() => Promise.reject(over.reason));
    this.#over.catch(() => {});
    channel.deliverTo((message) => {
      this.#said.push(message);
      this.#wake.resolve();
    });
  }

  next<T extends ToNode['type']>(...types: T[]): Promise<Extract<ToNode, { readonly type: T }>> {
    const message = this.#next(types);
    // Who waits for it may have gone, with the guest.
    message.catch(() => {});
    return message;
  }

  async #next<T extends ToNode['type']>(types: readonly T[]): Promise<Extract<ToNode, { readonly type: T }>> {
    while (this.#said.length === 0) {
      await this.orOver(this.#wake.promise);
      this.#wake = Promise.withResolvers();
    }
    const message = this.#said.shift();
    if (message === undefined || !types.some((type) => type === message.type)) {
      throw new Error(`the launcher said "${message?.type}" where "${types.join('" or "')}" is due`);
    }
    return message as Extract<ToNode, { readonly type: T }>;
  }

  orOver<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {});
    return Promise.race([work, this.#over]);
  }
}

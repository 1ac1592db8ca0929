import { once } from 'node:events';
import { within } from '../../base/index.ts';
import type { StartStep } from '../guest/index.ts';
import { type Channel, errorData, type FromNode, type NodePlan, PROTOCOL_VERSION, type ToNode } from '../link/index.ts';

/** The VM of a job on this node, as far as the agent has to do with it. Disposing of it ends it at once. */
export interface ServedGuest extends AsyncDisposable {
  readonly name: string;
  /** Wait for a word of the launcher, as long as the VM lives. */
  watch<T>(phase: 'guest' | 'script', work: Promise<T>): Promise<T>;
  tearDown(): Promise<void>;
}

export interface ServeOptions {
  readonly channel: Channel<FromNode, ToNode>;
  /** Name of this node. */
  readonly node: string;
  readonly start: (
    plan: NodePlan,
    record: (event: StartStep, value?: string) => void,
    signal: AbortSignal,
  ) => Promise<ServedGuest>;
}

/** How long the launcher may take to close the connection, once it was told how things ended here. */
const FAREWELL_MS = 10_000;

/**
 * Do on this node what the launcher says: start a VM, keep it, end it. When the connection ends, whatever the reason, so does
 * the VM. Nothing is left when this returns.
 */
export async function serveLauncher({ channel, node, start }: ServeOptions): Promise<void> {
  const over = new AbortController();
  void channel.closed.then((why) => over.abort(new Error(why)));
  const orders = new Orders(channel, over.signal);
  channel.send({ type: 'hello', version: PROTOCOL_VERSION, node });
  try {
    const { plan } = await orders.next('plan');
    const record = (event: StartStep, value?: string): void =>
      channel.send({ type: 'progress', event, ...(value === undefined ? {} : { value }) });
    await using guest = await start(plan, record, over.signal);
    channel.send({ type: 'ready', vm: guest.name });
    await guest.watch('guest', orders.next('go'));
    await guest.watch('script', orders.next('end'));
    await orders.orOver(guest.tearDown());
    channel.send({ type: 'ended' });
  } catch (error) {
    if (!over.signal.aborted) channel.send({ type: 'failed', error: errorData(error) });
  }
  // The other side ends the connection when it has read the last word.
  await within(channel.closed, { ms: FAREWELL_MS, late: () => new Error('late') }).catch(() => {});
  channel[Symbol.dispose]();
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

  next<T extends ToNode['type']>(type: T): Promise<Extract<ToNode, { readonly type: T }>> {
    const message = this.#next(type);
    // Who waits for it may have gone, with the guest.
    message.catch(() => {});
    return message;
  }

  async #next<T extends ToNode['type']>(type: T): Promise<Extract<ToNode, { readonly type: T }>> {
    while (this.#said.length === 0) {
      await this.orOver(this.#wake.promise);
      this.#wake = Promise.withResolvers();
    }
    const message = this.#said.shift();
    if (message?.type !== type) throw new Error(`the launcher said "${message?.type}" where "${type}" is due`);
    return message as Extract<ToNode, { readonly type: T }>;
  }

  orOver<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {});
    return Promise.race([work, this.#over]);
  }
}

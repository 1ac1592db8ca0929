import type { VmSetting } from '../../request/index.ts';
import { type ConfigName, type ConfigValue, configKey, configNames } from './keys.ts';
import type { ConfigEntry, Holder, ReadConfig } from './read.ts';
import { matchesAny } from './types.ts';

/** For which queue or node values are asked for; both undefined: the site's. */
export interface Where {
  readonly queue?: string | undefined;
  readonly node?: string | undefined;
}

/** A value and where it comes from. */
export interface Effective<T = unknown> {
  readonly name: string;
  readonly value: T;
  /** `built in` without a file. */
  readonly origin: { readonly kind: 'built in' } | (Holder & { readonly file: string; readonly line?: number });
}

/** The site's configuration, checked. Immutable; asks nothing of the machine. */
export class SiteConfig {
  readonly file: string | undefined;
  readonly #read: ReadConfig | undefined;

  constructor(read?: ReadConfig) {
    this.file = read?.file;
    this.#read = read;
  }

  /** The value of a key: that of the queue or node, else the site's, else the built-in one. */
  value<N extends ConfigName>(name: N, where: Where = {}): ConfigValue<N> {
    return this.effective(name, where).value as ConfigValue<N>;
  }

  effective(name: ConfigName, where: Where = {}): Effective {
    const file = this.#read?.file ?? '';
    // The most special one that fits; of several patterns for a node the last.
    const fitting = (this.#read?.entries ?? []).filter((entry) => entry.name === name && fits(entry, where));
    const best = fitting.findLast(({ holder }) => holder.kind !== 'site') ?? fitting.at(-1);
    if (best === undefined) return { name, value: configKey(name).default, origin: { kind: 'built in' } };
    const { value, holder, line } = best;
    return { name, value, origin: { ...holder, file, ...(line === undefined ? {} : { line }) } };
  }

  /** All keys with their values. */
  all(where: Where = {}): Effective[] {
    return configNames.map((name) => this.effective(name, where));
  }

  /** The defaults for -vm keys that hold for jobs of a queue: the site's and the queue's. */
  defaults(queue: string | undefined): VmSetting[] {
    return (this.#read?.defaults ?? []).filter(
      ({ origin }) => origin.kind !== 'queue defaults' || origin.queue === queue,
    );
  }

  /** Queues and node patterns that have values of their own. */
  holders(): Holder[] {
    const entries = (this.#read?.entries ?? []).map(({ holder }) => holder);
    const queues = (this.#read?.defaults ?? []).flatMap(({ origin }): Holder[] =>
      origin.kind === 'queue defaults' ? [{ kind: 'queue', name: origin.queue }] : [],
    );
    const special = [...entries, ...queues].filter(({ kind }) => kind !== 'site');
    return [...new Map(special.map((holder) => [JSON.stringify(holder), holder])).values()];
  }
}

function fits({ holder }: ConfigEntry, { queue, node }: Where): boolean {
  if (holder.kind === 'queue') return holder.name === queue;
  if (holder.kind === 'node') return node !== undefined && matchesAny(node, [holder.pattern]);
  return true;
}

import type { ConfigType } from './types.ts';

/** Where a key may be set besides the site's own tables: for one queue, or for nodes by a pattern of their names. */
export type Scope = 'site' | 'queue' | 'node';

/** One key of the configuration. */
export interface ConfigKey<T> {
  readonly type: ConfigType<T>;
  readonly default: T;
  readonly scope: Scope;
  readonly doc: string;
  /** Its names in the configuration of 2018. */
  readonly was: readonly string[];
}

/** A key: its type, its built-in value, where it may be set, what it means, and its names of 2018. */
export function key<T>(
  type: ConfigType<T>,
  fallback: NoInfer<T>,
  scope: Scope,
  doc: string,
  was: string[] = [],
): ConfigKey<T> {
  return { type, default: fallback, scope, doc, was };
}

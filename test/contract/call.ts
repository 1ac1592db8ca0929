import type { JobStatus } from '../../src/engine/index.ts';

/** One call of an Engine, for `engine-driver.ts`. */
export type Call =
  | { readonly op: 'name' | 'nodes' | 'queues' | 'live' }
  | {
      readonly op: 'submit';
      readonly argv: readonly string[];
      readonly script: { readonly name: string; readonly text: string; readonly at?: number };
    }
  | { readonly op: 'status' | 'cancel' | 'hold' | 'release'; readonly ids: readonly string[] }
  | {
      readonly op: 'wait';
      readonly ids: readonly string[];
      readonly states: readonly JobStatus['state'][];
      readonly withinMs: number;
    }
  | { readonly op: 'signal'; readonly ids: readonly string[]; readonly signal: NodeJS.Signals };

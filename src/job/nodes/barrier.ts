import type { Phase } from '../../base/index.ts';

/** How far a node is: its agent has not been heard yet, starts the VM, has it ready, has ended it. */
type Stage = 'silent' | 'starting' | 'ready' | 'ended';

/**
 * What is known of a job's nodes, and of the one thing that ends them all: the first failure. What comes after that changes
 * nothing. No clock, no I/O.
 */
export class Barrier {
  /** These resolve when each node has come so far, unless one has failed before. */
  readonly allHeard: Promise<void>;
  readonly allReady: Promise<void>;
  readonly allEnded: Promise<void>;
  readonly #failure = new AbortController();
  readonly #stages: Map<string, Stage>;
  readonly #phases = new Map<string, Phase>();
  readonly #reached: Readonly<Record<Exclude<Stage, 'silent'>, () => void>>;

  constructor(nodes: readonly string[]) {
    this.#stages = new Map(nodes.map((node) => [node, 'silent']));
    const starting = Promise.withResolvers<void>();
    const ready = Promise.withResolvers<void>();
    const ended = Promise.withResolvers<void>();
    [this.allHeard, this.allReady, this.allEnded] = [starting.promise, ready.promise, ended.promise];
    this.#reached = { starting: starting.resolve, ready: ready.resolve, ended: ended.resolve };
  }

  /** Aborted by the first failure, with it as the reason. */
  get failed(): AbortSignal {
    return this.#failure.signal;
  }

  /** A node is further than before. */
  reach(node: string, stage: Exclude<Stage, 'silent'>): void {
    const before = this.#stages.get(node);
    if (this.failed.aborted || before === undefined || order.indexOf(stage) <= order.indexOf(before)) return;
    this.#stages.set(node, stage);
    for (const each of later(stage)) if (this.behind(each).length === 0) this.#reached[each]();
  }

  /** What a node is busy with: where it is lost, that is the phase. */
  enter(node: string, phase: Phase): void {
    this.#phases.set(node, phase);
  }

  phaseOf(node: string): Phase {
    return this.#phases.get(node) ?? 'plan';
  }

  /** The first one counts. */
  fail(error: unknown): void {
    this.#failure.abort(error);
  }

  isEnded(node: string): boolean {
    return this.#stages.get(node) === 'ended';
  }

  /** Nodes that have not come as far. */
  behind(stage: Stage): string[] {
    return [...this.#stages].filter(([, at]) => order.indexOf(at) < order.indexOf(stage)).map(([node]) => node);
  }
}

const order: readonly Stage[] = ['silent', 'starting', 'ready', 'ended'];

/** Who has come so far has passed what lies before. */
function later(stage: Exclude<Stage, 'silent'>): Exclude<Stage, 'silent'>[] {
  return (['starting', 'ready', 'ended'] as const).filter((each) => order.indexOf(each) <= order.indexOf(stage));
}

import assert from 'node:assert/strict';
import { join } from 'node:path';
import type { EngineName, JobStatus, Submitted } from '../../src/engine/index.ts';
import { publicRoot } from '../../src/site/public-root.ts';
import { type CommandResult, execute } from '../support/cluster.ts';
import type { Call } from './call.ts';

/** How long anything may take here, on a loaded machine. */
const PATIENCE_MS = 120_000;

/** A batch system as the contract suite needs it, with an ordinary user who may submit jobs. */
export interface ContractCluster extends AsyncDisposable {
  readonly engine: EngineName;
  /** What stands before a command so that the user runs it on a submit host; its working directory is kept. */
  readonly asUser: readonly string[];
  /** The same for an operator, where the suite may act as one. */
  readonly asOperator?: readonly string[] | undefined;
  /** A directory of the user's that all nodes share. */
  readonly work: string;
  /** Where words and numbers differ. */
  readonly dialect: Dialect;
}

export interface Dialect {
  /** For an array of the elements 1 to 3. */
  readonly array: readonly string[];
  readonly arrayId: RegExp;
  /** A name for a job, with as many kinds of signs as may be in one. */
  readonly oddName: string;
  /** The id of an element of an array. */
  readonly element: (id: string, index: number) => string;
  readonly elementVariable: string;
  /** What asks for some slots of a node. */
  readonly onNode: (node: string, slots: number) => string;
  readonly jobVariable: string;
  /** Prints the nodes of a job without a VM, a line per slot. */
  readonly slots: string;
  /** An operator's command. */
  readonly requeue: (id: string) => readonly string[];
  /** Exit status of a job whose script TERM has ended. */
  readonly terminated: number;
  /** Of a running job that was deleted. */
  readonly deleted: readonly number[];
  readonly overWalltime: number;
}

/** What PBSs have in common. */
export const pbsWords = {
  arrayId: /^\d+\[\]/,
  oddName: 'a[1-2]',
  onNode: (node: string, slots: number): string => `nodes=${node}:ppn=${slots}`,
  element: (id: string, index: number): string => id.replace('[]', `[${index}]`),
  jobVariable: 'PBS_JOBID',
  slots: 'cat "$PBS_NODEFILE"',
  requeue: (id: string): readonly string[] => ['qrerun', id],
  terminated: 128 + 15,
  deleted: [256 + 15],
} satisfies Partial<Dialect>;

/** What a batch system lacks, each with the reason that the skipped test prints. */
export type Lacks = Partial<Record<Feature, string>>;

export type Feature = 'queues' | 'dependencies' | 'requeue' | 'walltime' | 'vms' | 'interactive';

/** The cluster in the hands of its user. */
export class ContractUser {
  readonly cluster: ContractCluster;
  readonly #root: string;
  readonly #submitted = new Set<string>();

  private constructor(cluster: ContractCluster, root: string) {
    this.cluster = cluster;
    this.#root = root;
  }

  static async of(cluster: ContractCluster): Promise<ContractUser> {
    return new ContractUser(cluster, await publicRoot());
  }

  /** The project's own directory, as the user and the nodes see it. */
  get root(): string {
    return this.#root;
  }

  /** Words that run a program of this directory. */
  program(name: string): string[] {
    return [
      join(this.#root, 'scripts/node'),
      '--disable-warning=ExperimentalWarning',
      join(this.#root, 'test/contract', name),
    ];
  }

  run(command: readonly string[], input?: string): Promise<CommandResult> {
    const { asUser, work } = this.cluster;
    return execute([...asUser, ...command], { cwd: work, input, timeoutMs: PATIENCE_MS });
  }

  async call<T>(call: Call): Promise<T> {
    const { stdout, stderr } = await this.run(this.program('engine-driver.ts'), JSON.stringify(call));
    assert.notEqual(stdout, '', `the driver has said nothing but: ${stderr}`);
    const outcome = JSON.parse(stdout) as { value: T; error?: { code: string; message: string } };
    if (outcome.error !== undefined) {
      throw Object.assign(new Error(outcome.error.message), { code: outcome.error.code });
    }
    return outcome.value;
  }

  submit(argv: readonly string[], text: string, file?: string): Promise<Submitted> {
    const script = file === undefined ? { name: 'STDIN', text } : { name: file, text, at: argv.length };
    return this.call({ op: 'submit', argv: file === undefined ? argv : [...argv, file], script });
  }

  /** A command of an operator. */
  runAsOperator(command: readonly string[]): Promise<CommandResult> {
    const { asOperator, work } = this.cluster;
    return execute([...(asOperator ?? assert.fail('no operator')), ...command], { cwd: work, timeoutMs: PATIENCE_MS });
  }

  /** End what a test that has failed has left; done before the next one, which may need its nodes. */
  async cancelAll(): Promise<void> {
    const live = new Set(await this.call<string[]>({ op: 'live' }));
    const left = [...this.#submitted].filter((id) => live.has(id) || id.includes('[]') || live.has(`${id}_1`));
    for (const id of left) await this.call({ op: 'cancel', ids: [id] }).catch(() => undefined);
    this.#submitted.clear();
  }

  /** Submit a script that must be taken. */
  async accepted(argv: readonly string[], text: string, file?: string): Promise<string> {
    const submitted = await this.submit(argv, text, file);
    assert.ok('id' in submitted, `refused with code ${submitted.code}`);
    return this.submitted(submitted.id);
  }

  /** Remember a job, so that it ends with the test. */
  submitted(id: string): string {
    this.#submitted.add(id);
    return id;
  }

  /** @throws when they are not in one of the states in time */
  async wait(
    ids: readonly string[],
    states: readonly JobStatus['state'][] = ['complete'],
    withinMs = PATIENCE_MS - 20_000,
  ): Promise<JobStatus[]> {
    const known = await this.call<Readonly<Record<string, JobStatus>>>({ op: 'wait', ids, states, withinMs });
    return ids.map((id) => known[id] ?? assert.fail(`job ${id} is forgotten`));
  }

  /** Run a script to its end. */
  async finish(argv: readonly string[], text: string, file?: string): Promise<JobStatus> {
    const [status] = await this.wait([await this.accepted(argv, text, file)]);
    return status ?? assert.fail();
  }

  async status(id: string): Promise<JobStatus | undefined> {
    return (await this.call<Readonly<Record<string, JobStatus>>>({ op: 'status', ids: [id] }))[id];
  }

  /** A file of the working directory; some batch systems call a job complete shortly before its output is home. */
  async read(name: string): Promise<string> {
    const deadline = Date.now() + PATIENCE_MS / 4;
    for (;;) {
      const { code, stdout, stderr } = await this.run(['cat', name]);
      if (code === 0) return stdout;
      if (Date.now() > deadline) assert.fail(stderr);
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
  }
}

/** The number in a job's id. */
export function sequence(id: string): string {
  return /^\d+/.exec(id)?.[0] ?? assert.fail(`"${id}" is the id of no job`);
}

import { accessSync, constants, realpathSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { VtorqueError } from '../base/index.ts';
import { installRoot } from '../site/index.ts';
import { commandsDir, connectInstance, NoServerError, request } from './embedded/client.ts';
import { type NodesReply, PbsError } from './embedded/protocol.ts';
import type { BatchNode } from './engine.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** What vsub has to know of a batch system. */
export interface FoundEngine {
  readonly name: 'embedded' | 'pbs';
  /** Absolute path of its qsub. */
  readonly qsub: string;
  /** Its nodes; undefined when they are not known. */
  nodes(): Promise<readonly BatchNode[] | undefined>;
}

/** Commands that look like qsub to PATH but hand on to one: taking them for the batch system would go round in circles. */
const NOT_AN_ENGINE = join(installRoot, 'bin');

/**
 * Find the batch system: the qsub on PATH, else the embedded one if it answers.
 * @throws VtorqueError `E_NO_BATCH_SYSTEM` when there is none
 */
export async function findEngine(env: Env): Promise<FoundEngine> {
  const found = qsubOnPath(env);
  if (found !== undefined) {
    const { path, embedded } = found;
    if (!embedded) return { name: 'pbs', qsub: path, nodes: async () => undefined };
    return { name: 'embedded', qsub: path, nodes: () => embeddedNodes(env) };
  }
  const instance = await connectInstance(env).catch(() => undefined);
  instance?.close();
  if (instance !== undefined) {
    return { name: 'embedded', qsub: join(commandsDir, 'qsub'), nodes: () => embeddedNodes(env) };
  }
  throw noBatchSystem('no qsub on PATH, and the embedded batch system does not run');
}

// Synchronous: a turn through the thread pool for each directory of PATH takes longer than all the look-ups.
function qsubOnPath(env: Env): { path: string; embedded: boolean } | undefined {
  for (const directory of (env.PATH ?? '').split(delimiter)) {
    if (!directory.startsWith('/')) continue;
    const path = join(directory, 'qsub');
    const real = executable(path);
    if (real === undefined || real.startsWith(`${NOT_AN_ENGINE}/`)) continue;
    // Another checkout's commands are embedded ones as well.
    return { path, embedded: real.endsWith('/libexec/pbs/qsub') };
  }
  return undefined;
}

function executable(path: string): string | undefined {
  try {
    accessSync(path, constants.X_OK);
    return realpathSync(path);
  } catch {
    return undefined;
  }
}

async function embeddedNodes(env: Env): Promise<NodesReply['nodes']> {
  try {
    return (await request<NodesReply>(env, { op: 'nodes' })).nodes;
  } catch (error) {
    if (error instanceof NoServerError) throw noBatchSystem(`the embedded one does not answer (${error.message})`);
    throw error instanceof PbsError ? noBatchSystem(error.message) : error;
  }
}

function noBatchSystem(why: string): VtorqueError {
  return new VtorqueError('E_NO_BATCH_SYSTEM', `Cannot find a batch system: ${why}`, {
    hint: 'Put the commands of your batch system on PATH, or start the embedded one: vtorque local start',
    phase: 'check',
  });
}

import { constants } from 'node:fs';
import { access, realpath } from 'node:fs/promises';
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
  /** Names of its queues; undefined when they are not known. */
  queues(): Promise<readonly string[] | undefined>;
}

/** Commands that look like qsub to PATH but hand on to one: taking them for the batch system would go round in circles. */
const NOT_AN_ENGINE = join(installRoot, 'bin');

/**
 * Find the batch system: the qsub on PATH, else the embedded one if it answers.
 * @throws VtorqueError `E_NO_BATCH_SYSTEM` when there is none
 */
export async function findEngine(env: Env): Promise<FoundEngine> {
  const found = await qsubOnPath(env);
  if (found !== undefined && !found.embedded) {
    const untold = async (): Promise<undefined> => undefined;
    return { name: 'pbs', qsub: found.path, nodes: untold, queues: untold };
  }
  const instance = await connectInstance(env).catch(() => undefined);
  instance?.close();
  if (found !== undefined || instance !== undefined) {
    const qsub = found?.path ?? join(commandsDir, 'qsub');
    const ask = (): Promise<NodesReply> => embeddedNodes(env);
    return { name: 'embedded', qsub, nodes: async () => (await ask()).nodes, queues: async () => (await ask()).queues };
  }
  throw noBatchSystem('no qsub on PATH, and the embedded batch system does not run');
}

async function qsubOnPath(env: Env): Promise<{ path: string; embedded: boolean } | undefined> {
  for (const directory of (env.PATH ?? '').split(delimiter)) {
    if (!directory.startsWith('/')) continue;
    const path = join(directory, 'qsub');
    const real = await access(path, constants.X_OK).then(
      () => realpath(path),
      () => undefined,
    );
    if (real === undefined || real.startsWith(`${NOT_AN_ENGINE}/`)) continue;
    // Another checkout's commands are embedded ones as well.
    return { path, embedded: real.endsWith('/libexec/pbs/qsub') };
  }
  return undefined;
}

async function embeddedNodes(env: Env): Promise<NodesReply> {
  try {
    return await request<NodesReply>(env, { op: 'nodes' });
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

// The process that `vtorque local start` leaves behind. It says on descriptor 3 whether it could begin.
import { closeSync, writeSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { messageOf, VtorqueError } from '../../base/index.ts';
import { runDaemon } from './daemon.ts';
import { type NodeNames, readNodeNames } from './nodes.ts';
import { helpersIn } from './shepherd/build.ts';

const READY_FD = 3;

function tell(message: object): void {
  writeSync(READY_FD, `${JSON.stringify(message)}\n`);
  closeSync(READY_FD);
}

function nodesFrom(text: string): NodeNames {
  const nodes = readNodeNames(text);
  if (nodes !== undefined) return nodes;
  throw new VtorqueError('E_LOCAL_START', `Cannot start the embedded batch system: "${text}" names no nodes`);
}

export async function main(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      dir: { type: 'string' },
      nodes: { type: 'string' },
      np: { type: 'string' },
      'keep-completed': { type: 'string' },
      helpers: { type: 'string' },
      version: { type: 'string' },
    },
  });

  process.umask(0o022);
  try {
    const { nodes, np, 'keep-completed': keepCompleted } = values;
    const daemon = await runDaemon({
      dir: values.dir ?? '',
      nodes: nodes === undefined ? undefined : nodesFrom(nodes),
      np: np === undefined ? undefined : Number(np),
      keepCompletedS: keepCompleted === undefined ? undefined : Number(keepCompleted),
      helpers: helpersIn(values.helpers ?? ''),
      version: values.version ?? '',
    });
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => void daemon.stop());
    process.on('SIGHUP', () => {});
    tell({ ok: true, pid: process.pid });
    await daemon.stopped;
    // Connections that wait for a job must not keep the daemon.
    process.exit(0);
  } catch (error) {
    const { code, hint } = error instanceof VtorqueError ? error : { code: 'E_LOCAL_START', hint: undefined };
    tell({ ok: false, code, message: messageOf(error), hint });
    process.exit(1);
  }
}

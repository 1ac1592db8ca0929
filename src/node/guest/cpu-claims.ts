import { once } from 'node:events';
import { createServer, type Server } from 'node:net';

/** CPUs of this node that VMs of this process are pinned to. Disposing of it lets others have them. */
export interface CpuClaims extends AsyncDisposable {
  /** Claim these; those that others have are named, and then none is claimed. */
  claim(cpus: readonly number[]): Promise<readonly number[]>;
}

/**
 * Tell other jobs of this node which CPUs are taken, where the batch system does not keep them apart: each CPU is a name of the
 * kernel's that one process at a time can hold, whoever it belongs to, and that ends with the process.
 * @param nameOf tests have names of their own
 */
export function cpuClaims(nameOf = (cpu: number): string => `vtorque/cpu/${cpu}`): CpuClaims {
  let held: Server[] = [];
  const letGo = async (): Promise<void> => {
    const servers = held;
    held = [];
    await Promise.all(servers.map(close));
  };
  return {
    claim: async (cpus) => {
      const taken: number[] = [];
      await Promise.all(
        cpus.map(async (cpu) => {
          const server = await listen(`\0${nameOf(cpu)}`);
          if (server === undefined) taken.push(cpu);
          else held.push(server);
        }),
      );
      if (taken.length > 0) await letGo();
      return taken.sort((a, b) => a - b);
    },
    [Symbol.asyncDispose]: letGo,
  };
}

/** Nobody has anything to say there. */
async function listen(name: string): Promise<Server | undefined> {
  const server = createServer((connection) => connection.destroy());
  // It must not keep this process from its end.
  server.unref().listen(name);
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return undefined;
    throw error;
  }
}

async function close(server: Server): Promise<void> {
  const closed = once(server, 'close');
  server.close();
  await closed;
}

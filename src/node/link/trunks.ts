import type { Allocation } from '../../engine/index.ts';
import {
  listenForTrunks,
  type NetworkFacts,
  routesInUse,
  type TrunkListener,
  type TrunkSecret,
} from '../../network/index.ts';
import { listenPlace } from './address.ts';

/** Where this node waits for frames of the job's other nodes, before its network is decided. Disposing of it ends that. */
export interface OpenTrunks extends AsyncDisposable {
  readonly facts: NetworkFacts;
  readonly listener: TrunkListener;
  readonly secret: TrunkSecret;
}

export async function openTrunks(allocation: Allocation): Promise<OpenTrunks> {
  const { engine, jobId, attempt, nodeIndex } = allocation;
  const secret = { secret: allocation.secret, scope: [engine, jobId, attempt] };
  const { listen, hosts } = listenPlace(allocation);
  const listener = await listenForTrunks(secret, { host: listen, here: nodeIndex });
  return {
    facts: { routes: await routesInUse(), trunk: { hosts, port: listener.port } },
    ...{ listener, secret },
    [Symbol.asyncDispose]: () => listener[Symbol.asyncDispose](),
  };
}

import { VtorqueError } from '../../base/index.ts';
import type { Engine } from '../../engine/index.ts';
import type { AskedEngine } from './ask-engine.ts';
import { checkQueue } from './check-queue.ts';
import { checkNodes } from './checks.ts';
import { type Added, needsOf } from './needs.ts';
import type { WantedJob } from './wanted-job.ts';

/** As far as it is the batch system's. */
type AskingJob = Pick<WantedJob, 'request' | 'options' | 'slots' | 'nodes' | 'limits'>;

/**
 * What must be asked of the batch system because of the job's VMs. That it is too much for every node is a better reason to refuse a
 * job than that it was not asked for.
 * @throws VtorqueError as `needsOf` and `checkNodes`
 */
export async function needsOrReason(
  { request, slots, nodes, options, limits }: AskingJob,
  asking: Pick<AskedEngine, 'nodes'>,
): Promise<Added[]> {
  try {
    return needsOf(request, slots, options, limits);
  } catch (error) {
    checkNodes(request, await asking.nodes.catch(() => undefined), nodes, limits);
    throw error;
  }
}

/**
 * Refuse a queue that is not there, and VMs for which there are no nodes.
 * @param engine undefined where there is none and none is needed
 * @param withoutEngine nothing is to be submitted: a batch system that does not answer is the same as none
 * @returns warnings: what could not be checked
 * @throws VtorqueError `E_QUEUE_UNKNOWN`, those of `checkNodes`, `E_ENGINE`
 */
export async function checkWithEngine(
  { request, options, nodes, limits }: AskingJob,
  engine: Engine | undefined,
  { asking, withoutEngine }: { readonly asking: AskedEngine; readonly withoutEngine: boolean },
): Promise<string[]> {
  if (engine === undefined) return [];
  let unanswered: string[] = [];
  const ask = async <T>(answer: Promise<T> | undefined): Promise<T | undefined> =>
    answer?.catch((error: unknown) => {
      if (!withoutEngine || !(error instanceof VtorqueError)) throw error;
      unanswered = [`queue and nodes are not checked: ${error.message}`];
      return undefined;
    });
  const informant = await asking.informant;
  await checkQueue(options.value('q'), () => ask(informant?.queues()));
  checkNodes(request, await ask(asking.nodes), nodes, limits);
  return unanswered;
}

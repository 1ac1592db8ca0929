import type { HookOrders, JobContext } from '../../node/guest/index.ts';
// Not through the room's index: what translates and documents the configuration is of no use on a node.
import { loadConfig } from '../../site/config/load.ts';
import type { Submission } from '../submission.ts';

/**
 * Which hooks this job has in its VMs: the site's, by its configuration, and the user's, as they were submitted.
 * @param logs directory for what they print
 * @throws VtorqueError `E_CONFIG`, `E_CONFIG_SYNTAX`, `E_CONFIG_READ`
 */
export async function hookOrders(
  { env, owner }: Pick<JobContext, 'env' | 'owner'>,
  { hooks = {}, job = { resources: '', account: '' } }: Pick<Submission, 'hooks' | 'job'>,
  logs: string,
): Promise<HookOrders> {
  const config = await loadConfig(env, owner.uid);
  return {
    ...{ user: hooks, job, logs, directory: config.value('guests.hooks') },
    limits: {
      prologue: config.value('timeouts.guest_prologue'),
      epilogue: config.value('timeouts.guest_epilogue'),
      precancel: config.value('timeouts.guest_precancel'),
    },
  };
}

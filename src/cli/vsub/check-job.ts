import { hostname, userInfo } from 'node:os';
import type { Env } from '../../base/index.ts';
import { currentDirectory } from '../../engine/directories.ts';
import type { Engine } from '../../engine/index.ts';
// Not through the room's index, which loads the builders of images: half of vsub's time.
import { findImage, imagePools } from '../../image/catalogue.ts';
import { checkDistro } from '../../image/distro.ts';
import { checkImageRam } from '../../image/min-ram.ts';
import type { CatalogueEntry } from '../../image/types.ts';
import type { UserHooks } from '../../job/submission.ts';
import type { VmRequest } from '../../request/index.ts';
import type { SiteConfig } from '../../site/config/index.ts';
import { ownPlaces, placesToRead } from '../../site/index.ts';
import type { AskedEngine } from './ask-engine.ts';
import { checkOnNodes } from './check-on-nodes.ts';
import { checkWithEngine, needsOrReason } from './check-with-engine.ts';
import { readUserHooks } from './hook-files.ts';
import { checkInPlaceOfQsub } from './in-place-of-qsub.ts';
import type { Added } from './needs.ts';
import type { JobSources, WantedJob } from './wanted-job.ts';

export interface CheckOptions extends JobSources {
  readonly asking: AskedEngine;
  /** Go on without a batch system: nothing is to be submitted. */
  readonly withoutEngine: boolean;
}

/** What was found out on the way. */
export interface CheckedJob {
  readonly added: readonly Added[];
  /** None only where a missing batch system is allowed. */
  readonly engine: Engine | undefined;
  readonly config: SiteConfig | undefined;
  readonly hooks: UserHooks | undefined;
  /** What could not be checked. */
  readonly unanswered: readonly string[];
}

/**
 * All that is checked of a job before it is queued, in this order; the first that is wrong is told. What comes before is in `wantedJob`: that the
 * request and the options are understood, and do not contradict themselves. What comes after concerns the terminal of an interactive job only.
 * @throws VtorqueError
 */
export async function checkJob(wanted: WantedJob, options: CheckOptions): Promise<CheckedJob> {
  const { line, script, env, asking, withoutEngine } = options;
  const { request, queue } = wanted;
  const { interactive } = wanted.options;
  const uid = process.getuid?.() ?? 0;

  // The job asks for the slots and the memory that its VMs take.
  const added = await needsOrReason(wanted, asking);
  // No folder or disk hides another one in the guest.
  await checkMounts(request);
  // The image is there, gets enough memory, and is of the distribution that was asked for.
  const image = await checkImage(request, env, uid);
  // The site lets this user have that.
  const config = await asking.config;
  await checkAllowed({ request, queue, image, config }, env, uid);
  // There is a batch system, and it has such jobs; where it has no qsub, vsub checks what qsub would.
  const engine = await asking.engine.catch((error: unknown) => {
    if (withoutEngine) return undefined;
    throw error;
  });
  await engine?.check?.({ argv: line.qsubArgv, options: wanted.options });
  if (engine !== undefined && engine.qsub === undefined && !interactive) checkInPlaceOfQsub(line, script);
  // It has the queue, and nodes that can hold the VMs.
  const unanswered = await checkWithEngine(wanted, engine, { asking, withoutEngine });
  // Folders, kernel, disk and distribution of the nodes themselves, as far as they are known here.
  await checkOnNodes(request, { env, uid, nodesAreHere: engine?.name === 'embedded' });
  // The user's hooks are programs, and small enough to travel with the job.
  const hooks = await readUserHooks(request, interactive);
  return { added, engine, config, hooks, unanswered };
}

async function checkMounts(request: VmRequest): Promise<void> {
  if (request.mounts === undefined && request.disk === undefined) return;
  const { checkMountTargets } = await import('../../node/guest/mount-targets.ts');
  await checkMountTargets(request, [userInfo().homedir, currentDirectory()]);
}

async function checkImage({ img, ram, distro }: VmRequest, env: Env, uid: number): Promise<CatalogueEntry> {
  const image = await findImage(img, imagePools(placesToRead(env, uid)));
  checkImageRam(image, ram);
  if (distro !== undefined && image.kind !== 'host') checkDistro(distro, image.name, image.manifest.distro);
  return image;
}

async function checkAllowed(
  {
    request,
    queue,
    image,
    config,
  }: Pick<WantedJob, 'request' | 'queue'> & {
    readonly image: CatalogueEntry;
    readonly config: SiteConfig | undefined;
  },
  env: Env,
  uid: number,
): Promise<void> {
  // Without a configuration everything is allowed that needs none.
  if (config === undefined && request.net !== 'bridge') return;
  const [{ checkPolicy }, { SiteConfig }, { currentGroups }] = await Promise.all([
    import('../../site/config/policy.ts'),
    import('../../site/config/site-config.ts'),
    import('./current-groups.ts'),
  ]);
  const [own] = imagePools([ownPlaces(env, uid)]);
  await checkPolicy(config ?? new SiteConfig(), {
    ...{ request, queue, groups: currentGroups, host: hostname() },
    user: userInfo().username,
    ownImage: uid !== 0 && image.kind !== 'host' && image.pool === own,
  });
}

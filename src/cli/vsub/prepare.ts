import { hostname, userInfo } from 'node:os';
import type { Env } from '../../base/index.ts';
import { currentDirectory } from '../../engine/directories.ts';
import type { Engine } from '../../engine/index.ts';
// Not through the room's index, which loads the builders of images: half of vsub's time.
import { findImage, imagePools } from '../../image/catalogue.ts';
import { checkDistro } from '../../image/distro.ts';
import { checkImageRam } from '../../image/min-ram.ts';
import { composeLauncherScript, type Submission } from '../../job/submission.ts';
import {
  type EffectiveOptions,
  effectiveOptions,
  type QsubWalk,
  variableNames,
  walkQsubArgs,
} from '../../pbs/index.ts';
import type { SiteConfig } from '../../site/config/index.ts';
import { installRoot, ownPlaces, placesToRead } from '../../site/index.ts';
import type { AskedEngine } from './ask-engine.ts';
import { checkOnNodes } from './check-on-nodes.ts';
import { checkWithEngine, needsOrReason } from './check-with-engine.ts';
import { hookedJob, readUserHooks } from './hook-files.ts';
import { checkInPlaceOfQsub } from './in-place-of-qsub.ts';
import { type Added, withAdded } from './needs.ts';
import { type JobSources, type WantedJob, wantedJob } from './wanted-job.ts';

/** A job in a VM that has passed all checks, ready to be handed to the batch system. */
export interface PreparedJob
  extends Pick<WantedJob, 'request' | 'settings' | 'fallbacks' | 'queue' | 'nodes' | 'slots'>,
    JobForQsub {
  readonly warnings: readonly string[];
  readonly added: readonly Added[];
  /** Its shell runs at the user's terminal. */
  readonly interactive: boolean;
  /** None only where a missing batch system is allowed. */
  readonly engine: Engine | undefined;
  readonly config: SiteConfig | undefined;
}

interface JobForQsub {
  /** For qsub; the word at `scriptAt` is the user's script and is to be replaced by the launcher script. */
  readonly argv: readonly string[];
  readonly scriptAt: number | undefined;
  readonly scriptName: string;
  /** What `argv` and the directives ask for together. */
  readonly options: EffectiveOptions;
  readonly launcher: Buffer;
  /** In the launcher script already: what hooks in VMs need. */
  readonly hooked: Pick<Submission, 'hooks' | 'job'>;
}

export interface PrepareOptions extends JobSources {
  readonly asking: AskedEngine;
  /** Go on without a batch system: nothing is to be submitted. */
  readonly withoutEngine: boolean;
}

/**
 * Make of a command line and a script all that is to be submitted.
 * @throws VtorqueError for everything that can be known to be wrong before the job is queued
 */
export async function prepareVmJob(options: PrepareOptions): Promise<PreparedJob> {
  const { line, script, env, asking, withoutEngine } = options;
  const uid = process.getuid?.() ?? 0;
  const wanted = await wantedJob(options, asking.config);
  const { request, settings, fallbacks, queue, nodes, slots } = wanted;
  const added = await needsOrReason(wanted, asking);
  if (request.mounts !== undefined || request.disk !== undefined) {
    const { checkMountTargets } = await import('../../node/guest/mount-targets.ts');
    await checkMountTargets(request, [userInfo().homedir, currentDirectory()]);
  }
  const config = await asking.config;
  await checkImageAndPolicy(wanted, { config, env, uid });
  const engine = await asking.engine.catch((error: unknown) => {
    if (withoutEngine) return undefined;
    throw error;
  });
  const { interactive } = wanted.options;
  await engine?.check?.({ argv: line.qsubArgv, options: wanted.options });
  if (engine !== undefined && engine.qsub === undefined && !interactive) checkInPlaceOfQsub(line, script);
  const unanswered = await checkWithEngine(wanted, engine, { asking, withoutEngine });
  await checkOnNodes(request, { env, uid, nodesAreHere: engine?.name === 'embedded' });
  return {
    ...{ request, settings, fallbacks, queue, nodes, slots, added, engine, config, interactive },
    ...(await jobForQsub(wanted, options, { added, engine })),
    warnings: [...settings.flatMap(({ warning }) => warning ?? []), ...unanswered],
  };
}

async function jobForQsub(
  { request, options, fromScript, prefix }: WantedJob,
  { line, script }: JobSources,
  { added, engine }: Pick<PreparedJob, 'added' | 'engine'>,
): Promise<JobForQsub> {
  const hooks = await readUserHooks(request, options.interactive);
  const { look, walk, qsubArgv } = line;
  const words = withAdded(qsubArgv, added, { script: look.script?.at, endOfOptions: endOfOptions(walk) });
  const final = added.length === 0 ? options : effectiveOptions(walkQsubArgs(words.argv).options, fromScript);
  const hooked = { ...(hooks === undefined ? {} : { hooks }), job: hookedJob(final) };
  const shell = options.value('S');
  const launcher = composeLauncherScript({
    installRoot,
    // Whoever has no qsub gets the directives as options, and might read them otherwise than qsub.
    prefix: engine === undefined || engine.qsub !== undefined ? prefix : '',
    request,
    script: script.stdin === undefined ? script.bytes : withoutDosEnds(script.stdin),
    scriptName: script.name,
    ...(shell === undefined ? {} : { shell }),
    variables: { names: variableNames(options.value('v') ?? ''), all: options.has('V') },
    ...hooked,
  });
  return {
    ...{ argv: words.argv, scriptAt: words.script, scriptName: script.name },
    ...{ options: final, launcher, hooked },
  };
}

/** Where options of ours may stand: OpenPBS takes none behind the script, Torque wherever the user has put his. */
function endOfOptions({ argv, operands, endOfOptions }: QsubWalk): number | undefined {
  const [script, ...others] = operands;
  if (endOfOptions !== undefined || script === undefined || others.length > 0) return endOfOptions;
  return script.at === argv.length - 1 ? script.at : undefined;
}

async function checkImageAndPolicy(
  { request, queue }: WantedJob,
  { config, env, uid }: { readonly config: SiteConfig | undefined; readonly env: Env; readonly uid: number },
): Promise<void> {
  const entry = await findImage(request.img, imagePools(placesToRead(env, uid)));
  checkImageRam(entry, request.ram);
  if (request.distro !== undefined && entry.kind !== 'host') {
    checkDistro(request.distro, entry.name, entry.manifest.distro);
  }
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
    ownImage: uid !== 0 && entry.kind !== 'host' && entry.pool === own,
  });
}

/** qsub itself makes plain line ends of DOS ones in a script on standard input. */
function withoutDosEnds(script: Buffer): Buffer {
  return script.includes('\r\n') ? Buffer.from(script.toString('latin1').replaceAll('\r\n', '\n'), 'latin1') : script;
}

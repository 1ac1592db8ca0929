import { userInfo } from 'node:os';
import { resolve } from 'node:path';
import { VtorqueError } from '../../base/index.ts';
import type { Engine } from '../../engine/index.ts';
// Not through the room's index, which loads the builders of images: half of vsub's time.
import { findImage, imagePools } from '../../image/catalogue.ts';
import { checkDistro, distroOfHost } from '../../image/distro.ts';
import { checkImageRam } from '../../image/min-ram.ts';
import { composeLauncherScript, type Submission } from '../../job/submission.ts';
import {
  DEFAULT_PREFIX,
  directiveOptions,
  type EffectiveOptions,
  effectiveOptions,
  hasOption,
  type QsubWalk,
  scanDirectives,
  variableNames,
  walkQsubArgs,
} from '../../pbs/index.ts';
import {
  completeRequest,
  effectiveSettings,
  type HookRequest,
  isDefault,
  mergeSettings,
  type VmRequest,
  type VmSetting,
} from '../../request/index.ts';
import type { SiteConfig } from '../../site/config/index.ts';
import { installRoot, ownPlaces, placesToRead } from '../../site/index.ts';
import { currentDirectory } from '../current-directory.ts';
import type { AskedEngine } from './ask-engine.ts';
import { checkQueue } from './check-queue.ts';
import { checkJobKind, checkNodes, requestedNodes, requestedSlots, type Slots } from './checks.ts';
import type { CommandLine } from './command-line.ts';
import { hookedJob, readUserHooks } from './hook-files.ts';
import { checkInPlaceOfQsub } from './in-place-of-qsub.ts';
import { type Added, needsOf, submitSettings, withAdded } from './needs.ts';
import { checkNearlyOwn, ownDirectiveWords } from './own-options.ts';
import type { JobScript } from './script.ts';
import { askedSettings, userDefaults } from './sources.ts';

type Env = Readonly<Record<string, string | undefined>>;

/** A job in a VM that has passed all checks, ready to be handed to the batch system. */
export interface PreparedJob {
  readonly request: VmRequest;
  /** What the request was made of, with its origins. */
  readonly settings: readonly VmSetting[];
  /** Why a key that nobody gave has the value it has. */
  readonly fallbacks: Readonly<Record<string, string>>;
  readonly warnings: readonly string[];
  readonly queue: string | undefined;
  /** How many nodes it asks for: on each of them is one VM. */
  readonly nodes: number;
  readonly slots: Slots;
  readonly added: readonly Added[];
  /** Its shell runs at the user's terminal. */
  readonly interactive: boolean;
  /** For qsub; the word at `scriptAt` is the user's script and is to be replaced by the launcher script. */
  readonly argv: readonly string[];
  readonly scriptAt: number | undefined;
  readonly scriptName: string;
  /** What `argv` and the directives ask for together. */
  readonly options: EffectiveOptions;
  readonly launcher: Buffer;
  /** In the launcher script already: what hooks in VMs need. */
  readonly hooked: Pick<Submission, 'hooks' | 'job'>;
  /** None only where a missing batch system is allowed. */
  readonly engine: Engine | undefined;
  readonly config: SiteConfig | undefined;
}

export interface PrepareOptions {
  readonly line: CommandLine;
  readonly script: JobScript;
  /** The values in `VSUB_OPTIONS`. */
  readonly environment: readonly string[];
  readonly env: Env;
  readonly asking: AskedEngine;
  /** Go on without a batch system: nothing is to be submitted. */
  readonly withoutEngine: boolean;
}

/**
 * Make of a command line and a script all that is to be submitted.
 * @throws VtorqueError for everything that can be known to be wrong before the job is queued
 */
export async function prepareVmJob({
  line,
  script,
  environment,
  env,
  asking,
  withoutEngine,
}: PrepareOptions): Promise<PreparedJob> {
  checkNearlyOwn(line.walk.options);
  const uid = process.getuid?.() ?? 0;
  const asked = askedSettings({ commandLine: line.vmValues, script: script.requests, environment });
  // With -x it is a command of the guest's.
  if (script.problem !== undefined && !hasOption(line.walk.options, 'x')) throw script.problem;
  const prefix = line.look.prefix ?? DEFAULT_PREFIX;
  const { directives } = scanDirectives(script.bytes, prefix);
  const fromScript = directiveOptions(directives, { own: ownDirectiveWords });
  const options = effectiveOptions(line.walk.options, fromScript);
  checkJobKind(options, env);
  const config = await asking.config;
  const queue = queueOf(options, config);
  const defaults = [...(config?.defaults(queue) ?? []), ...(await userDefaults(env))];
  const nodes = requestedNodes(options);
  const slots = requestedSlots(options);
  const limits = submitSettings(config, queue);
  const free = slots === undefined ? undefined : Math.max(1, slots - limits.hostCores);
  const { settings, fallbacks } = choose([...defaults, ...asked], slots, free);
  checkKeep(settings, options);
  const complete = withAbsolutePaths(completeRequest(mergeSettings(settings.filter(isNoMereDefault)), { ppn: free }));
  const request = typeof complete.vcpuPinning === 'object' ? await readPinningFile(complete) : complete;
  const added = needsOf(request, slots, options, limits);
  if (request.mounts !== undefined || request.disk !== undefined) {
    const { checkMountTargets } = await import('../../node/guest/mount-targets.ts');
    await checkMountTargets(request, [userInfo().homedir, currentDirectory()]);
  }
  await checkImageAndPolicy(request, queue, config, env, uid);
  const engine = await asking.engine.catch((error: unknown) => {
    if (withoutEngine) return undefined;
    throw error;
  });
  await engine?.check?.({ argv: line.qsubArgv, options });
  if (engine !== undefined && engine.qsub === undefined && !options.interactive) checkInPlaceOfQsub(line, script);
  const unanswered: string[] = [];
  if (engine !== undefined) {
    const ask = async <T>(answer: Promise<T> | undefined): Promise<T | undefined> =>
      answer?.catch((error: unknown) => {
        // Where nothing is submitted a batch system that does not answer is the same as none.
        if (!withoutEngine || !(error instanceof VtorqueError)) throw error;
        unanswered.splice(0, 1, `queue and nodes are not checked: ${error.message}`);
        return undefined;
      });
    const informant = await asking.informant;
    await checkQueue(options.value('q'), () => ask(informant?.queues()));
    checkNodes(request, await ask(asking.nodes), limits.hostCores, nodes);
  }
  if (request.kernel !== undefined) {
    const { checkKernel } = await import('./kernel-check.ts');
    await checkKernel(request.kernel, request.img, imagePools(placesToRead(env, uid)), {
      ...{ uid, nodesAreHere: engine?.name === 'embedded' },
    });
  }
  if (request.disk?.file !== undefined) {
    const { checkDiskFile } = await import('../../storage/disk/open.ts');
    const missing = engine?.name === 'embedded' ? 'refused' : 'allowed';
    await checkDiskFile(request.disk.file, request.disk.size, missing);
  }
  // What other nodes' own system is, is known there only; the embedded batch system's nodes are this machine.
  if (request.distro !== undefined && request.img === 'host' && engine?.name === 'embedded') {
    checkDistro(request.distro, request.img, await distroOfHost());
  }

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
    ...{ request, settings, fallbacks, queue, nodes, slots, added, launcher, hooked, engine, config },
    ...{ argv: words.argv, scriptAt: words.script, scriptName: script.name },
    options: final,
    interactive: options.interactive,
    warnings: [...settings.flatMap(({ warning }) => warning ?? []), ...unanswered],
  };
}

/** That VMs are pinned where that fits holds anyway; who asks for it himself gets an error where it does not. */
function isNoMereDefault({ key, value, origin }: VmSetting): boolean {
  return !(key === 'vcpu_pinning' && value === 'auto' && isDefault(origin));
}

/** Loaded where it is needed only, as little is. */
async function readPinningFile(request: VmRequest): Promise<VmRequest> {
  const { withPinningFile } = await import('./pinning-file.ts');
  return withPinningFile(request);
}

/** Whoever sits at the terminal of an interactive job decides when its VM goes. */
function checkKeep(settings: readonly VmSetting[], { interactive }: EffectiveOptions): void {
  const asked = settings.find(({ key, value, origin }) => key === 'keep' && value !== 0 && !isDefault(origin));
  if (!interactive || asked === undefined) return;
  throw new VtorqueError('E_VM_VALUE', `Cannot use keep=${asked.text} with -I: the VM stays as long as your shell`, {
    hint: 'Leave out keep=, or -I',
    phase: 'check',
  });
}

/** Where options of ours may stand: OpenPBS takes none behind the script, Torque wherever the user has put his. */
function endOfOptions({ argv, operands, endOfOptions }: QsubWalk): number | undefined {
  const [script, ...others] = operands;
  if (endOfOptions !== undefined || script === undefined || others.length > 0) return endOfOptions;
  return script.at === argv.length - 1 ? script.at : undefined;
}

/** The queue whose values hold: `-q queue@server`, or the one that the site says is meant by none. */
function queueOf(options: EffectiveOptions, config: SiteConfig | undefined): string | undefined {
  const [named = ''] = (options.value('q') ?? '').split('@');
  return named || config?.value('submit.default_queue') || undefined;
}

/** The settings that count. A default of vcpus gives way to the slots that the job asks for itself. */
function choose(all: readonly VmSetting[], slots: Slots, free: Slots): Pick<PreparedJob, 'settings' | 'fallbacks'> {
  const effective = effectiveSettings(all);
  const given = effective.find(({ key }) => key === 'vcpus');
  const tooMany = given !== undefined && isDefault(given.origin) && free !== undefined && Number(given.value) > free;
  const perSlot =
    slots === free ? 'one per slot of the job' : 'one per slot of the job that the node does not need itself';
  const why = tooMany ? `${perSlot}; the default of ${given.text} is more` : perSlot;
  return {
    settings: tooMany ? effective.filter((setting) => setting !== given) : effective,
    fallbacks: { vcpus: slots === undefined ? 'built in: the job asks for no slots' : why },
  };
}

/** Folders and files are named from where the job is submitted. */
function withAbsolutePaths(request: VmRequest): VmRequest {
  const { mounts, kernel, vmPrologue, vmEpilogue, disk } = request;
  const absolute = (hook: HookRequest): HookRequest => ({ ...hook, file: resolve(hook.file) });
  return {
    ...request,
    ...(mounts === undefined ? {} : { mounts: mounts.map((mount) => ({ ...mount, host: resolve(mount.host) })) }),
    ...(kernel === undefined ? {} : { kernel: resolve(kernel) }),
    ...(vmPrologue === undefined ? {} : { vmPrologue: absolute(vmPrologue) }),
    ...(vmEpilogue === undefined ? {} : { vmEpilogue: absolute(vmEpilogue) }),
    ...(disk?.file === undefined ? {} : { disk: { ...disk, file: resolve(disk.file) } }),
  };
}

async function checkImageAndPolicy(
  request: VmRequest,
  queue: string | undefined,
  config: SiteConfig | undefined,
  env: Env,
  uid: number,
): Promise<void> {
  const entry = await findImage(request.img, imagePools(placesToRead(env, uid)));
  checkImageRam(entry, request.ram);
  if (request.distro !== undefined && entry.kind !== 'host') {
    checkDistro(request.distro, entry.name, entry.manifest.distro);
  }
  // Without a configuration everything is allowed that needs none.
  if (config === undefined && request.net !== 'bridge') return;
  const [{ checkPolicy }, { SiteConfig }, { currentGroups, currentHost }] = await Promise.all([
    import('../../site/config/policy.ts'),
    import('../../site/config/site-config.ts'),
    import('../../site/config/current-user.ts'),
  ]);
  const [own] = imagePools([ownPlaces(env, uid)]);
  await checkPolicy(config ?? new SiteConfig(), {
    ...{ request, queue, groups: currentGroups, host: currentHost() },
    user: userInfo().username,
    ownImage: uid !== 0 && entry.kind !== 'host' && entry.pool === own,
  });
}

/** qsub itself makes plain line ends of DOS ones in a script on standard input. */
function withoutDosEnds(script: Buffer): Buffer {
  return script.includes('\r\n') ? Buffer.from(script.toString('latin1').replaceAll('\r\n', '\n'), 'latin1') : script;
}

import { isAbsolute, resolve } from 'node:path';
import { type Env, VtorqueError } from '../../base/index.ts';
import { currentDirectory } from '../../engine/directories.ts';
import {
  DEFAULT_PREFIX,
  directiveOptions,
  type EffectiveOptions,
  effectiveOptions,
  hasOption,
  type QsubOption,
  scanDirectives,
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
import { checkJobKind, requestedNodes, requestedSlots, type Slots } from './checks.ts';
import type { CommandLine } from './command-line.ts';
import { type SubmitSettings, submitSettings } from './needs.ts';
import { checkNearlyOwn, ownDirectiveWords } from './own-options.ts';
import type { JobScript } from './script.ts';
import { askedSettings, userDefaults } from './sources.ts';

export interface JobSources {
  readonly line: CommandLine;
  readonly script: JobScript;
  /** The values in `VSUB_OPTIONS`. */
  readonly environment: readonly string[];
  readonly env: Env;
}

/** What a user wants, with what he, the site and vTorque have said for all jobs. */
export interface WantedJob {
  readonly request: VmRequest;
  /** What the request was made of, with its origins. */
  readonly settings: readonly VmSetting[];
  /** Why a key that nobody gave has the value it has. */
  readonly fallbacks: Readonly<Record<string, string>>;
  readonly queue: string | undefined;
  /** How many it asks for. */
  readonly nodes: number;
  readonly slots: Slots;
  readonly limits: SubmitSettings;
  /** What the command line and the directives ask qsub for together. */
  readonly options: EffectiveOptions;
  /** Of these, the directives'. */
  readonly fromScript: readonly QsubOption[];
  /** With which directives begin. */
  readonly prefix: string;
}

/**
 * Read a command line and a script.
 * @param configured the site's configuration, which may still be being read
 * @throws VtorqueError for what contradicts itself or is not understood, without a look at images, nodes and policy
 */
export async function wantedJob(
  { line, script, environment, env }: JobSources,
  configured: Promise<SiteConfig | undefined>,
): Promise<WantedJob> {
  checkNearlyOwn(line.walk.options);
  const asked = askedSettings({ commandLine: line.vmValues, script: script.requests, environment });
  // With -x it is a command of the guest's.
  if (script.problem !== undefined && !hasOption(line.walk.options, 'x')) throw script.problem;
  const prefix = line.look.prefix ?? DEFAULT_PREFIX;
  const { directives } = scanDirectives(script.bytes, prefix);
  const fromScript = directiveOptions(directives, { own: ownDirectiveWords });
  const options = effectiveOptions(line.walk.options, fromScript);
  checkJobKind(options, env);
  const config = await configured;
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
  return { request, settings, fallbacks, queue, nodes, slots, limits, options, fromScript, prefix };
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

/** The queue whose values hold: `-q queue@server`, or the one that the site says is meant by none. */
function queueOf(options: EffectiveOptions, config: SiteConfig | undefined): string | undefined {
  const [named = ''] = (options.value('q') ?? '').split('@');
  return named || config?.value('submit.default_queue') || undefined;
}

/** The settings that count. A default of vcpus gives way to the slots that the job asks for itself. */
function choose(all: readonly VmSetting[], slots: Slots, free: Slots): Pick<WantedJob, 'settings' | 'fallbacks'> {
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
  const absolute = (path: string): string => (isAbsolute(path) ? resolve(path) : resolve(currentDirectory(), path));
  const asHook = (hook: HookRequest): HookRequest => ({ ...hook, file: absolute(hook.file) });
  return {
    ...request,
    ...(mounts === undefined ? {} : { mounts: mounts.map((mount) => ({ ...mount, host: absolute(mount.host) })) }),
    ...(kernel === undefined ? {} : { kernel: absolute(kernel) }),
    ...(vmPrologue === undefined ? {} : { vmPrologue: asHook(vmPrologue) }),
    ...(vmEpilogue === undefined ? {} : { vmEpilogue: asHook(vmEpilogue) }),
    ...(disk?.file === undefined ? {} : { disk: { ...disk, file: absolute(disk.file) } }),
  };
}

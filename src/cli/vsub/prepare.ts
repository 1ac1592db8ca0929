import { composeLauncherScript, type Submission } from '../../job/submission.ts';
import {
  type EffectiveOptions,
  effectiveOptions,
  type QsubWalk,
  variableNames,
  walkQsubArgs,
} from '../../pbs/index.ts';
import { installRoot } from '../../site/index.ts';
import { type CheckedJob, type CheckOptions, checkJob } from './check-job.ts';
import { hookedJob } from './hook-files.ts';
import { withAdded } from './needs.ts';
import { type JobSources, type WantedJob, wantedJob } from './wanted-job.ts';

/** A job in a VM that has passed all checks, ready to be handed to the batch system. */
export interface PreparedJob
  extends Pick<WantedJob, 'request' | 'settings' | 'fallbacks' | 'queue' | 'nodes' | 'slots'>,
    Pick<CheckedJob, 'added' | 'engine' | 'config'>,
    JobForQsub {
  readonly warnings: readonly string[];
  /** Its shell runs at the user's terminal. */
  readonly interactive: boolean;
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

/**
 * Make of a command line and a script all that is to be submitted.
 * @throws VtorqueError for everything that can be known to be wrong before the job is queued
 */
export async function prepareVmJob(options: CheckOptions): Promise<PreparedJob> {
  const wanted = await wantedJob(options, options.asking.config);
  const checked = await checkJob(wanted, options);
  const { request, settings, fallbacks, queue, nodes, slots } = wanted;
  const { added, engine, config, unanswered } = checked;
  return {
    ...{ request, settings, fallbacks, queue, nodes, slots, added, engine, config },
    interactive: wanted.options.interactive,
    ...jobForQsub(wanted, options, checked),
    warnings: [...settings.flatMap(({ warning }) => warning ?? []), ...unanswered],
  };
}

function jobForQsub(
  { request, options, fromScript, prefix }: WantedJob,
  { line, script }: JobSources,
  { added, engine, hooks }: CheckedJob,
): JobForQsub {
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

/** qsub itself makes plain line ends of DOS ones in a script on standard input. */
function withoutDosEnds(script: Buffer): Buffer {
  return script.includes('\r\n') ? Buffer.from(script.toString('latin1').replaceAll('\r\n', '\n'), 'latin1') : script;
}

import { findEngine } from '../../engine/index.ts';
// Not through the room's index, which loads the builders of images: half of vsub's time.
import { findImage, imagePools } from '../../image/catalogue.ts';
import { composeLauncherScript } from '../../job/submission.ts';
import { DEFAULT_PREFIX, directiveOptions, effectiveOptions, scanDirectives, variableNames } from '../../pbs/index.ts';
import { completeRequest, mergeSettings, parseVmValue } from '../../request/index.ts';
import { installRoot, placesToRead } from '../../site/index.ts';
import { checkJobKind, checkNodes, checkSlots, requestedSlots } from './checks.ts';
import type { CommandLine } from './command-line.ts';
import { ownDirectiveWords } from './own-options.ts';
import { runQsub } from './qsub.ts';
import type { JobScript } from './script.ts';

type Env = Readonly<Record<string, string | undefined>>;

/**
 * Check the request, make the launcher script and hand it to the batch system.
 * @returns qsub's exit code
 * @throws VtorqueError for everything that can be known to be wrong before the job is queued
 */
export async function submitVmJob(line: CommandLine, script: JobScript, env: Env): Promise<number> {
  const settings = [
    ...script.requests.flatMap(({ value, origin }) => parseVmValue(value, origin)),
    ...line.vmValues.flatMap((value) => parseVmValue(value)),
  ];
  if (script.problem !== undefined) throw script.problem;
  const prefix = line.look.prefix ?? DEFAULT_PREFIX;
  const { directives } = scanDirectives(script.bytes, prefix);
  const options = effectiveOptions(line.walk.options, directiveOptions(directives, { own: ownDirectiveWords }));
  checkJobKind(options);
  const slots = requestedSlots(options);
  const request = completeRequest(mergeSettings(settings), { ppn: slots });
  checkSlots(request, slots, options);
  await findImage(request.img, imagePools(placesToRead(env, process.getuid?.() ?? 0)));
  const engine = await findEngine(env);
  checkNodes(request, await engine.nodes());

  const shell = options.value('S');
  const launcher = composeLauncherScript({
    installRoot,
    prefix,
    request,
    script: script.stdin === undefined ? script.bytes : withoutDosEnds(script.stdin),
    scriptName: script.name,
    ...(shell === undefined ? {} : { shell }),
    variables: { names: variableNames(options.value('v') ?? ''), all: options.has('V') },
  });
  const slotsNeeded = slots === undefined && request.vcpus > 1 ? ['-l', `nodes=1:ppn=${request.vcpus}`] : [];
  const { look, qsubArgv, json } = line;
  const run = { qsub: engine.qsub, env, json, request };
  if (look.script === undefined) return runQsub({ ...run, argv: [...slotsNeeded, ...qsubArgv], stdin: launcher });
  return runQsub({
    ...run,
    argv: [...slotsNeeded, ...qsubArgv],
    file: { at: look.script.at + slotsNeeded.length, name: script.name, bytes: launcher },
  });
}

/** qsub itself makes plain line ends of DOS ones in a script on standard input. */
function withoutDosEnds(script: Buffer): Buffer {
  return script.includes('\r\n') ? Buffer.from(script.toString('latin1').replaceAll('\r\n', '\n'), 'latin1') : script;
}

// What the bootstrap leaves to Node 24: native programs, bundles, the guest kernel and initial RAM disk.
import { setTimeout as delay } from 'node:timers/promises';
import { renderError } from '../src/cli/render-error.ts';
import { showStages } from '../src/cli/stage-progress.ts';
import { buildShepherd } from '../src/engine/embedded/shepherd/build.ts';
import { buildAgent } from '../src/guest/linux/build.ts';
import { prepareHost, runStage } from '../src/image/index.ts';
import { buildJobnet } from '../src/network/index.ts';
import { buildProcessPrograms } from '../src/process/index.ts';
import { agentProgram, ownPlaces, placesToRead, programsDirectory } from '../src/site/index.ts';
import { buildAsUserLibrary } from '../src/storage/index.ts';
import { buildTemplateMemory } from '../src/vm/index.ts';
import { bundleAll } from './bundle.ts';

const shownAfterMs = 200;

try {
  using stages = showStages(process.stderr);
  const { progress } = stages;
  const compiled = compile(programsDirectory);
  // What is there already is found to be current at once, and then there is nothing to tell.
  const late = await Promise.race([compiled.then(() => false), delay(shownAfterMs, true)]);
  if (late) await runStage(progress, 'native programs', () => compiled);
  await bundleAll();
  const uid = process.getuid?.() ?? 0;
  const places = placesToRead(process.env, uid);
  await prepareHost({ places, own: ownPlaces(process.env, uid), uid, agent: agentProgram, progress });
} catch (error) {
  const { text, exitCode } = renderError(error, { program: 'vtorque setup' });
  process.stderr.write(text);
  process.exitCode = exitCode;
}

/** Compile the C programs, unless those that are there come from the same sources. */
async function compile(outDir: string): Promise<void> {
  await Promise.all(
    [buildAgent, buildShepherd, buildAsUserLibrary, buildProcessPrograms, buildJobnet, buildTemplateMemory].map(
      (build) => build(outDir),
    ),
  );
}

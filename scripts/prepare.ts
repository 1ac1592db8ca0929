// What the bootstrap leaves to Node 24: native programs, the guest kernel and initial RAM disk, compiled code.
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { renderError } from '../src/cli/render-error.ts';
import { showStages } from '../src/cli/stage-progress.ts';
import { buildShepherd } from '../src/engine/embedded/shepherd/build.ts';
import { buildAgent } from '../src/guest/linux/build.ts';
import { prepareHost } from '../src/image/index.ts';
import { agentProgram, ownPlaces, placesToRead } from '../src/site/index.ts';

try {
  using stages = showStages(process.stderr);
  const { progress } = stages;
  const uid = process.getuid?.() ?? 0;
  const programs = dirname(agentProgram);
  await mkdir(programs, { recursive: true });
  await buildAgent(programs);
  await buildShepherd(programs);
  const places = placesToRead(process.env, uid);
  await prepareHost({ places, own: ownPlaces(process.env, uid), uid, agent: agentProgram, progress });
} catch (error) {
  const { text, exitCode } = renderError(error, { program: 'vtorque setup' });
  process.stderr.write(text);
  process.exitCode = exitCode;
}

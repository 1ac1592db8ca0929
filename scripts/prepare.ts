// What the bootstrap leaves to Node 24: native programs, the guest kernel and initial RAM disk.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { renderError } from '../src/cli/render-error.ts';
import { showStages } from '../src/cli/stage-progress.ts';
import { buildShepherd } from '../src/engine/embedded/shepherd/build.ts';
import { buildAgent } from '../src/guest/linux/build.ts';
import { prepareHost, runStage } from '../src/image/index.ts';
import { agentProgram, installRoot, ownPlaces, placesToRead } from '../src/site/index.ts';
import { buildAsUserLibrary } from '../src/storage/index.ts';

try {
  using stages = showStages(process.stderr);
  const { progress } = stages;
  await compile(dirname(agentProgram), (work) => runStage(progress, 'native programs', work));
  const uid = process.getuid?.() ?? 0;
  const places = placesToRead(process.env, uid);
  await prepareHost({ places, own: ownPlaces(process.env, uid), uid, agent: agentProgram, progress });
} catch (error) {
  const { text, exitCode } = renderError(error, { program: 'vtorque setup' });
  process.stderr.write(text);
  process.exitCode = exitCode;
}

/** Compile the C programs, unless those that are there come from the same sources. */
async function compile(outDir: string, stage: (work: () => Promise<void>) => Promise<void>): Promise<void> {
  await mkdir(outDir, { recursive: true });
  const stamp = join(outDir, '.sources');
  const digest = await sourcesDigest([
    'src/guest/linux/agent',
    'src/engine/embedded/shepherd',
    'src/storage/native',
    'src/guest/linux/build.ts',
  ]);
  const programs = await readdir(outDir);
  const complete = ['agent', 'shepherd', 'account', 'virtiofsd-as-user.so'].every((name) => programs.includes(name));
  if (complete && (await readFile(stamp, 'utf8').catch(() => '')) === digest) return;
  await stage(async () => {
    await Promise.all([buildAgent(outDir), buildShepherd(outDir), buildAsUserLibrary(outDir)]);
    await writeFile(stamp, digest);
  });
}

async function sourcesDigest(paths: readonly string[]): Promise<string> {
  const hash = createHash('sha256');
  for (const path of paths) {
    const full = join(installRoot, path);
    if (path.endsWith('.ts')) hash.update(await readFile(full));
    else
      for (const name of (await readdir(full)).sort())
        hash.update(`${path}/${name}`).update(await readFile(join(full, name)));
  }
  return hash.digest('hex');
}

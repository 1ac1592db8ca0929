import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execute, type TestCluster } from '../test/support/cluster.ts';
import { type Measurement, measureInTurn } from './measure.ts';

const inVm = ['-h', '-vm', 'img=host,vcpus=1,ram=512M', 'held.sh'];

/** Client commands as the user waits for them; the jobs are held, so that nothing else runs meanwhile. */
export async function measureClients(cluster: TestCluster, runs: number): Promise<Measurement[]> {
  await writeFile(join(cluster.work, 'held.sh'), '#!/bin/sh\ntrue\n');
  const { user, env, work } = cluster;
  const variables = Object.entries({ ...env, HOME: user.home, USER: user.name }).map(
    ([name, value]) => `${name}=${value}`,
  );
  const timed =
    (...command: string[]) =>
    async () => {
      const { code, stderr } = await execute([...user.become, 'env', ...variables, ...command], { cwd: work });
      if (code !== 0) throw new Error(`${command.join(' ')} ended with ${code}: ${stderr}`);
    };
  const measured = await measureInTurn(runs, {
    qsub: timed('qsub', '-h', 'held.sh'),
    'vsub without -vm': timed('vsub', '-h', 'held.sh'),
    'vsub -vm': timed('vsub', ...inVm),
    'vsub -vm, from source': timed(process.execPath, '-e', fromSource(cluster), '--', ...inVm),
    'vsub --help': timed('vsub', '--help'),
    qstat: timed('qstat'),
    'vtorque --help': timed('vtorque', '--help'),
  });
  await timed('qdel', 'all')();
  return [...measured, ...overQsub(measured)];
}

/** As a checkout with changes starts it: without the bundle, its types stripped beforehand. */
function fromSource({ root, work }: TestCluster): string {
  const program = JSON.stringify(join(root, 'src/cli/programs/vsub.ts'));
  return `require('node:module').enableCompileCache(${JSON.stringify(join(work, '.compiled'))});
    import(${program}).then(({ main }) => main(process.argv.slice(1)));`;
}

/** What vsub costs beyond the qsub that it calls. */
function overQsub(measured: readonly Measurement[]): Measurement[] {
  const qsub = measured.find(({ what }) => what === 'qsub')?.median ?? Number.NaN;
  return measured
    .filter(({ what }) => /^vsub (-vm|without)/.test(what))
    .map(({ what, median, min, max, runs }) => ({
      ...{ what: `${what}: over qsub`, median: median - qsub, min: min - qsub, max: max - qsub, runs },
    }));
}

import { join } from 'node:path';
import { publicRoot } from '../../src/site/public-root.ts';
import { execute } from './cluster.ts';

/** Build an image of the pool if it is not there; takes minutes the first time on a machine. */
export async function ensureImage(name: string): Promise<void> {
  const command = [join(await publicRoot(), 'bin/vtorque'), 'image', 'build', name];
  const { code, stderr } = await execute(command, { env: process.env, timeoutMs: 15 * 60_000 });
  if (code !== 0) throw new Error(`vtorque image build ${name} failed:\n${stderr}`);
}

import { findKernel, imagePools, listImages } from '../../image/index.ts';
import { table } from '../table.ts';
import { guestColumns, guestFacts, guestRow } from './facts.ts';
import type { OutputFlags } from './pool.ts';
import { situation } from './situation.ts';

/** Print what `img=` may name here, and on the standard error what looks like an image and is none. */
export async function list({ json }: OutputFlags): Promise<void> {
  const { places, uid } = situation();
  const { entries, problems } = await listImages(imagePools(places));
  const hostKernel = await findKernel(places, uid);
  if (json) {
    const images = entries.map((entry) => guestFacts(entry, hostKernel));
    process.stdout.write(`${JSON.stringify({ images, problems }, null, 2)}\n`);
    return;
  }
  const rows = entries.map((entry) => guestRow(entry, hostKernel));
  process.stdout.write(table([guestColumns, ...rows], process.stdout.columns));
  for (const { dir, reason } of problems) process.stderr.write(`warning: ${dir} is no image: ${reason}\n`);
}

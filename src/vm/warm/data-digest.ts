import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { runTool } from '../../process/index.ts';
import { memoryProgram } from './native/build.ts';

const listMs = 60_000;

/**
 * SHA-256 over the parts of a file that are no holes, each with where it begins, and how many bytes these are. It does not read the holes, of
 * which the memory of a large guest mostly consists.
 */
export async function digestOfData(path: string): Promise<{ sha256: string; data: number }> {
  const parts = await runTool([memoryProgram, 'data', path], { withinMs: listMs });
  const hash = createHash('sha256');
  let data = 0;
  for (const line of parts.split('\n').filter(Boolean)) {
    const [from = 0, to = 0] = line.split(' ').map(Number);
    hash.update(`${from} ${to}\n`);
    for await (const piece of createReadStream(path, { start: from, end: to - 1, highWaterMark: 1 << 20 }))
      hash.update(piece);
    data += to - from;
  }
  return { sha256: hash.digest('hex'), data };
}

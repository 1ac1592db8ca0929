import type { FileHandle } from 'node:fs/promises';

const chunk = 4 * 1024 ** 2;

/**
 * Whether all bytes of a file, or of a part of it, are zero. What holds something mostly says so with its first bytes; what was never written to takes no
 * space, and is not read.
 */
export async function blank(
  file: FileHandle,
  part?: { readonly offset: number; readonly length: number },
): Promise<boolean> {
  const { size, blocks } = await file.stat();
  if (blocks === 0) return true;
  const [start, end] = part === undefined ? [0, size] : [part.offset, Math.min(size, part.offset + part.length)];
  const zeros = Buffer.alloc(chunk);
  const buffer = Buffer.alloc(chunk);
  for (let position = start; position < end; ) {
    const { bytesRead } = await file.read(buffer, 0, Math.min(chunk, end - position), position);
    if (bytesRead === 0) return true;
    if (!buffer.subarray(0, bytesRead).equals(zeros.subarray(0, bytesRead))) return false;
    position += bytesRead;
  }
  return true;
}

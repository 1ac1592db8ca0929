import { lstatSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';

/** A directory for the test that calls this; it is removed behind it. */
export function aDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), 'vtorque-install-'));
  after(() => rmSync(directory, { recursive: true }));
  return directory;
}

/** The names of all that is below a directory. */
export function namesBelow(root: string): string[] {
  return readdirSync(root, { recursive: true, encoding: 'utf8' }).sort();
}

/** All that is below a directory: who it is, what is in it, and since when. */
export function snapshot(root: string): string[] {
  return namesBelow(root).map((path) => {
    const full = join(root, path);
    const info = lstatSync(full, { bigint: true });
    const content = info.isFile() ? readFileSync(full, 'hex') : info.isSymbolicLink() ? readlinkSync(full) : '';
    // The time of a directory is that of the last change in it.
    const time = info.isDirectory() ? '' : info.mtimeNs;
    return [path, info.mode, info.uid, info.gid, info.ino, info.nlink, time, content].join(' ');
  });
}

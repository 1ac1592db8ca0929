import { type FileHandle, open, readdir, rm, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { fileReason, MiB, VtorqueError } from '../base/index.ts';
import { makePrivateDirectory, runTool } from '../process/index.ts';
import { type Event, eventOf, nameOf } from './event.ts';

/*
 * A counter is a file, and its value is the file's size: who counts appends one byte. The kernel appends one behind the other, whoever does it, so there
 * is no lock to wait for and nothing that a crash could leave half done.
 */

/** How often something has happened, and when last, in milliseconds since 1970. */
export interface Counter {
  readonly event: Event;
  readonly value: number;
  readonly last: number;
}

export interface Counters {
  readonly counters: readonly Counter[];
  /** Milliseconds since 1970; undefined where nothing was counted yet. */
  readonly since: number | undefined;
}

/** Bytes of the disk that a counter may take; from then on those that are counted become a hole. */
const MOST_ON_DISK = MiB;

/** Was written once, when counting began. */
const SINCE = 'since';

/** Where a user's counters are, below his state directory. Machines may share that, and appending is safe within one only. */
export function countersDirectory(state: string, machine: string = hostname()): string {
  return join(state, 'counters', encodeURIComponent(machine));
}

/** Count an event. Where that cannot be written, the count is lost and nothing else: this never rejects, and nobody need wait for it. */
export async function count(directory: string, event: Event): Promise<void> {
  const path = join(directory, nameOf(event));
  try {
    await using file = await openToAppend(path, directory);
    await file.write('+');
    const { size, blocks } = await file.stat();
    if (size > MOST_ON_DISK && blocks * 512 > MOST_ON_DISK) await makeHole(path, size);
  } catch {
    // A full or read-only disk is told by the job's own record; a count that is lost is worth no word besides.
  }
}

async function openToAppend(path: string, directory: string): Promise<FileHandle> {
  return open(path, 'a', 0o600).catch(async (error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    await makePrivateDirectory(directory);
    await (await open(join(directory, SINCE), 'a', 0o600)).close();
    return open(path, 'a', 0o600);
  });
}

/** The first `size` bytes take no room any more. Where the file system has no holes, the counter begins anew, as a counter may. */
async function makeHole(path: string, size: number): Promise<void> {
  await runTool(['fallocate', '--punch-hole', '--offset', '0', '--length', String(size), path]).catch(() => rm(path));
}

/** @throws VtorqueError `E_CANNOT_READ` */
export async function readCounters(directory: string): Promise<Counters> {
  try {
    const names = (await orNothing(readdir(directory))) ?? [];
    const counters = await Promise.all(names.map((name) => readCounter(directory, name)));
    const since = await orNothing(stat(join(directory, SINCE)));
    return { counters: counters.filter((counter) => counter !== undefined), since: since?.mtimeMs };
  } catch (cause) {
    throw new VtorqueError('E_CANNOT_READ', `Cannot read the counters in "${directory}": ${fileReason(cause)}`, {
      hint: 'See who owns the directory, and its mode',
      cause,
    });
  }
}

async function readCounter(directory: string, name: string): Promise<Counter | undefined> {
  const event = eventOf(name);
  const file = event === undefined ? undefined : await orNothing(stat(join(directory, name)));
  return event === undefined || file === undefined ? undefined : { event, value: file.size, last: file.mtimeMs };
}

async function orNothing<T>(looking: Promise<T>): Promise<T | undefined> {
  return looking.catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error;
    return undefined;
  });
}

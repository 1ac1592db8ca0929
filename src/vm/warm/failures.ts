import { readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type ColdBoot, fallback } from './cold-boot.ts';

/** For how long a template that failed is not tried again: whatever it is may pass, and each trial costs a job some time. */
const rememberMs = 600_000;
const prefix = '.failed-';

/** Why a template has failed a short time ago, if it has. */
export async function failureOf(store: string, key: string): Promise<ColdBoot | undefined> {
  const text = await readFile(fileOf(store, key), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  const [until = '', ...reason] = text.trimEnd().split('\n');
  if (Number(until) > Date.now()) return fallback('failed-before', `${reason.join(' ')} (tried before)`);
  await forgetFailure(store, key).catch(() => {});
  return undefined;
}

/** Where it cannot be remembered, the next job tries again. */
export async function rememberFailure(store: string, key: string, reason: string): Promise<void> {
  const text = `${Date.now() + rememberMs}\n${reason}\n`;
  await writeFile(fileOf(store, key), text, { mode: 0o600 }).catch(() => {});
}

export async function forgetFailure(store: string, key: string): Promise<void> {
  await rm(fileOf(store, key), { force: true });
}

/** Remove what nobody believes any more. By its time, since one that is just being written says nothing yet. */
export async function sweepFailures(store: string): Promise<void> {
  const names = (await readdir(store).catch(() => [])).filter((name) => name.startsWith(prefix));
  for (const path of names.map((name) => join(store, name))) {
    const written = await stat(path).catch(() => undefined);
    if (written !== undefined && written.mtimeMs + rememberMs < Date.now()) await rm(path, { force: true });
  }
}

function fileOf(store: string, key: string): string {
  return join(store, `${prefix}${key}`);
}

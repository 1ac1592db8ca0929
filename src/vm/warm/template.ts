import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, VtorqueError } from '../../base/index.ts';
import { lockFile, makePrivateDirectory, makeReadableDirectory } from '../../process/index.ts';
import type { VmSpec } from '../spec.ts';
import { blamesTemplate } from './blame.ts';
import { type ColdBoot, coldBoot, fallback, labelOf } from './cold-boot.ts';
import { collectTemplates } from './collect.ts';
import { lockOf, sweepDrafts } from './drafts.ts';
import { failureOf, forgetFailure, rememberFailure } from './failures.ts';
import { type KeyFacts, templateKey, whyNoTemplate } from './key.ts';
import { type MakeOptions, makeTemplate } from './make.ts';
import { readManifest } from './manifest.ts';
import { type OpenTemplate, openTemplate, type TrustCheck } from './store.ts';

export interface TemplateOptions extends Pick<KeyFacts, 'digestOf'>, Pick<MakeOptions, 'prepare'> {
  /** Name of what `prepare` does. */
  readonly preparation: string;
  /** Directories with templates: what root provided, then the user's own. */
  readonly stores: readonly string[];
  /** The one of them that is written to. */
  readonly own: string;
  readonly uid: number;
  readonly whyNotTrusted: TrustCheck;
  /** Of QEMU. */
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds from the start of QEMU until a guest that boots answers. */
  readonly readyWithinMs: number;
  /** Bytes that those of `own` may take together. */
  readonly quota: number;
  readonly signal?: AbortSignal | undefined;
  /** Try also what has failed a short time ago. */
  readonly again?: boolean;
  /** There is none yet, or none that can be used: it is being made. */
  readonly onMaking?: (problem: string | undefined) => void;
  /** It could not be made, for a reason of its own, and is not tried again for a while. */
  readonly onGivenUp?: (why: ColdBoot) => void;
  /** Where there is none: `first` makes it and waits for that, unless told; `beside` leaves it to `make` of the answer. */
  readonly making?: 'first' | 'beside';
}

/** A template, or why the machine has to boot. */
export type TemplateChoice =
  | { readonly template: OpenTemplate; readonly made: boolean }
  | (ColdBoot & {
      readonly template?: never;
      /**
       * Makes the template with what the node's processors have left, for those who come later.
       * @returns whether it has made it; a failure is remembered
       * @throws the signal's reason
       */
      readonly make?: (signal: AbortSignal) => Promise<boolean>;
    });

/**
 * The template for this machine, made if there is none: then one process makes it and all others that want it wait.
 * Whatever fails is a reason to boot, and no error.
 * @throws the signal's reason
 */
export async function templateFor(spec: VmSpec, options: TemplateOptions): Promise<TemplateChoice> {
  const impossible = whyNoTemplate(spec);
  if (impossible !== undefined) return impossible;
  const { own, making = 'first' } = options;
  let key: string | undefined;
  try {
    key = await templateKey(spec, { ...options, path: options.env.PATH ?? '' });
    const failure = options.again === true ? undefined : await failureOf(own, key);
    if (failure !== undefined) return failure;
    const { template } = await find(key, options);
    if (template !== undefined) return { template, made: false };
    if (making === 'first') return await makeOrWait(spec, key, options);
    const ofKey = key;
    return {
      ...coldBoot('first', 'there is no template yet'),
      make: (signal) => makeBeside(spec, ofKey, { ...options, signal }),
    };
  } catch (error) {
    return await reasonOf(error, key, options);
  }
}

async function makeBeside(spec: VmSpec, key: string, options: TemplateOptions): Promise<boolean> {
  try {
    const { template, made } = await makeOrWait(spec, key, options);
    await template[Symbol.asyncDispose]();
    return made;
  } catch (error) {
    // With what others have left of the processors it may be too slow, which says nothing about the next one.
    const late = error instanceof VtorqueError && error.code === 'E_GUEST_TIMEOUT';
    await reasonOf(error, late ? undefined : key, options);
    return false;
  }
}

/** @throws the signal's reason */
async function reasonOf(
  error: unknown,
  key: string | undefined,
  { own, signal, onGivenUp }: TemplateOptions,
): Promise<ColdBoot> {
  signal?.throwIfAborted();
  const why = fallback(labelOf(error), messageOf(error));
  if (key !== undefined && blamesTemplate(error)) {
    await rememberFailure(own, key, why.reason);
    onGivenUp?.(why);
  }
  return why;
}

/**
 * Say that a clone of this template did not come up. It is removed if it is ours, and for a while machines boot; unless the template has been removed
 * meanwhile, as one is that was not used for long.
 * @returns whether it is given up
 */
export async function giveUpTemplate(
  { dir, manifest, ours }: OpenTemplate,
  own: string,
  reason: string,
): Promise<boolean> {
  const there = await readManifest(dir).catch(() => manifest);
  if (there?.created !== manifest.created) return false;
  if (ours) await rm(dir, { recursive: true, force: true }).catch(() => {});
  await rememberFailure(own, manifest.key, reason);
  return true;
}

async function makeOrWait(
  spec: VmSpec,
  key: string,
  options: TemplateOptions,
): Promise<Extract<TemplateChoice, { made: boolean }>> {
  const { own, uid, signal, making = 'first' } = options;
  const idle = making === 'beside';
  const waitMs = idle ? 0 : options.readyWithinMs;
  // Other users have no business in ours; what root makes is for all.
  await (uid === 0 ? makeReadableDirectory(own) : makePrivateDirectory(own));
  const untrusted = await options.whyNotTrusted(own, uid);
  if (untrusted !== undefined) {
    throw new VtorqueError('E_TEMPLATE_PLACE', `Cannot keep templates: ${untrusted}`, {
      hint: 'Let only their owner, or root, write there',
    });
  }
  await using _lock = await lockFile(lockOf(own, key), { waitMs, signal });
  const there = await find(key, options);
  if (there.template !== undefined) return { template: there.template, made: false };
  options.onMaking?.(there.problem);
  await sweepDrafts(own, key);
  await makeTemplate(spec, join(own, key), { ...options, key, idle, open: uid === 0 });
  await forgetFailure(own, key);
  await collectTemplates(own, options.quota, join(own, key));
  const { template, problem } = await find(key, options);
  if (template === undefined) throw new Error(problem ?? 'the new template is not there');
  return { template, made: true };
}

interface Found {
  readonly template?: OpenTemplate;
  /** Why one that is there is not taken; a new one takes its place. */
  readonly problem?: string;
}

async function find(key: string, { stores, uid, whyNotTrusted }: TemplateOptions): Promise<Found> {
  let found: Found = {};
  for (const store of stores) {
    try {
      const template = await openTemplate(join(store, key), uid, whyNotTrusted);
      if (template !== undefined) return { template };
    } catch (error) {
      found = { problem: messageOf(error) };
    }
  }
  return found;
}

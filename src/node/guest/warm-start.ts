import { join } from 'node:path';
import { messageOf, VtorqueError } from '../../base/index.ts';
import { type GuestSystem, rememberedDigest, resolveGuest, whyNotTrusted } from '../../image/index.ts';
import { agentProgram, type Places } from '../../site/index.ts';
import { count, countersDirectory, type Event } from '../../telemetry/index.ts';
import {
  blamesTemplate,
  type ColdBoot,
  coldBoot,
  fallback,
  giveUpTemplate,
  labelOf,
  type OpenTemplate,
  type TemplateChoice,
  templateFor,
  type VmSpec,
} from '../../vm/index.ts';
import { type GuestKind, guestKind } from './kinds/index.ts';
import type { NodeGuestOptions } from './node-guest.ts';
import { qemuEnvironment } from './qemu-environment.ts';
import { vmSpecOf } from './vm-spec.ts';

/** What a clone fails with that does not come up. All else a machine that boots would meet as well. */
const ofTheClone = ['E_VM_START', 'E_GUEST_TIMEOUT', 'E_GUEST_LOST', 'E_GUEST_CALL', 'E_QMP', 'E_TEMPLATE', 'E_SPAWN'];

/** Where templates are kept: what root provided, then the user's own. */
export function templateStores(places: readonly Places[]): string[] {
  return places.map(({ cache }) => join(cache, 'templates'));
}

/** What templates are made and found with. */
export interface TemplateNeeds {
  readonly places: readonly Places[];
  readonly uid: number;
  /** Of QEMU. */
  readonly env: Readonly<Record<string, string>>;
  /** Milliseconds until a guest that boots must answer. */
  readonly readyWithinMs: number;
  /** Bytes that the user's templates may take together. */
  readonly quota: number;
  readonly signal?: AbortSignal | undefined;
  readonly onMaking?: (problem: string | undefined) => void;
  /** Try also what has failed a short time ago. */
  readonly again?: boolean;
  readonly making?: 'first' | 'beside';
  /** Of its guest. */
  readonly kind: GuestKind;
}

/** The template for machines like this one, made if there is none. That one is made is counted. */
export async function templateOf(spec: VmSpec, needs: TemplateNeeds): Promise<TemplateChoice> {
  const { places, uid, signal, kind } = needs;
  // Whatever code is in such an image would run with the rights of root's maker, for all users.
  if (uid === 0 && spec.boot.kind === 'disk') return coldBoot('root', 'root boots no image that boots itself');
  const { name: preparation, prepare } = kind.template;
  const stores = templateStores(places);
  const counts = counting(places);
  const choice = await templateFor(spec, {
    ...{ ...needs, stores, own: ownStore(places), preparation, prepare, whyNotTrusted },
    digestOf: (path) => rememberedDigest(path, { places, own: places.at(-1), uid, signal }),
    onGivenUp: ({ label }) => counts(['template', 'given-up', label]),
  });
  if (choice.template !== undefined && choice.made) counts(['template', 'made']);
  return choice;
}

/**
 * Start a machine from its template, or by booting where there is none or it does not work. Which it was, and why, is recorded and counted.
 * @param start starts the machine, with all that serves it; nothing is left of that when it throws
 * @param cleanup of the job, by which the making of a template for others ends
 * @throws what `start` throws without a template, or the signal's reason
 */
export async function warmOrCold<T>(
  options: NodeGuestOptions,
  start: StartMachine<T>,
  cleanup: AsyncDisposableStack,
): Promise<T> {
  const { record, signal, places } = options;
  const choice = await choose(options);
  const counts = counting(places);
  const steps = {
    ...{ start, signal, counts },
    record: (fact: string) => record('fact', fact),
    giveUp: (template: OpenTemplate, reason: string) => giveUpTemplate(template, ownStore(places), reason),
  };
  if (choice.template === undefined) {
    if (choice.make !== undefined) cleanup.use(makingBeside(choice.make, record, counts));
    return bootInstead(choice, steps);
  }
  return startFrom(choice.template, steps);
}

type StartMachine<T> = (template?: OpenTemplate) => Promise<T>;

interface StartSteps<T> {
  readonly start: StartMachine<T>;
  readonly record: (fact: string) => void;
  readonly counts: (event: Event) => void;
  /** @returns whether it is given up */
  readonly giveUp: (template: OpenTemplate, reason: string) => Promise<boolean>;
  readonly signal: AbortSignal;
}

/**
 * Start a machine from a template, and by booting if it does not come up. The template is given up only then: what a machine that boots meets as well,
 * such as a node without room, is no fault of it.
 * @param opened is closed when the machine runs
 */
export async function startFrom<T>(opened: OpenTemplate, steps: StartSteps<T>): Promise<T> {
  await using template = opened;
  const { start, record, counts, giveUp, signal } = steps;
  try {
    const started = await start(template);
    record(`warm start: template ${template.manifest.key.slice(0, 8)} of ${template.manifest.created}`);
    counts(['start', 'warm']);
    return started;
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof VtorqueError) || !ofTheClone.includes(error.code)) throw error;
    const reason = [messageOf(error), ...error.details.slice(-1)].join(': ');
    const label = labelOf(error);
    const booted = await bootInstead(fallback(label, reason), steps);
    if (blamesTemplate(error) && (await giveUp(template, reason))) counts(['template', 'given-up', label]);
    return booted;
  }
}

async function bootInstead<T>({ reason, how, label }: ColdBoot, { start, record, counts }: StartSteps<T>): Promise<T> {
  record(`cold boot: ${reason}`);
  const started = await start();
  counts(['start', how, label]);
  return started;
}

/** The making of a template beside the job, which ends with it at the latest. */
function makingBeside(
  make: (signal: AbortSignal) => Promise<boolean>,
  record: NodeGuestOptions['record'],
  counts: (event: Event) => void,
): AsyncDisposable {
  const ended = new AbortController();
  const from = performance.now();
  const making = make(ended.signal).then(
    (made) => {
      if (!made) return;
      record('fact', `template made beside the job in ${secondsSince(from)}`);
      counts(['template', 'made']);
    },
    // The job has ended, and the next one makes it.
    () => {},
  );
  return {
    [Symbol.asyncDispose]: () => {
      ended.abort(new Error('the job has ended'));
      return making;
    },
  };
}

function secondsSince(from: number): string {
  return `${((performance.now() - from) / 1000).toFixed(1)} s`;
}

async function choose(options: NodeGuestOptions): Promise<TemplateChoice> {
  const { context, request, settings, places, record, signal } = options;
  if (request.warm === 'off') return coldBoot('warm=off', 'warm=off');
  if (settings.warm === 'off') return coldBoot('site', 'the site says so');
  const from = performance.now();
  const without = await withoutNetwork(options);
  const kind = guestKind(without);
  const choice = await templateOf(vmSpecOf({ ...options, guest: without, network: undefined, shares: [], disks: {} }), {
    ...{ places, uid: context.owner.uid, env: qemuEnvironment(context), quota: settings.templates, kind, signal },
    making: settings.warm === 'beside' ? 'beside' : 'first',
    readyWithinMs: settings.readyWithinMs ?? kind.readyWithinMs,
    onMaking: (problem = 'none is there yet') => record('fact', `making a template: ${problem}`),
  });
  if (choice.template !== undefined && choice.made) {
    record('fact', `template made in ${secondsSince(from)}`);
  }
  return choice;
}

/** What a cloud image is told on its disk about the network is of one VM of one job. */
async function withoutNetwork({ guest, request, places, signal }: NodeGuestOptions): Promise<GuestSystem> {
  if (guest.kind !== 'cloud') return guest;
  return resolveGuest(request.img, { places, agent: agentProgram, signal });
}

/** Counts for the user of these places on this machine, and keeps nobody waiting. */
function counting(places: readonly Places[]): (event: Event) => void {
  const own = places.at(-1);
  return (event) => {
    if (own !== undefined) void count(countersDirectory(own.state), event);
  };
}

function ownStore(places: readonly Places[]): string {
  return templateStores(places).at(-1) ?? '';
}

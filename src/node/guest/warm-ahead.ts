import { VtorqueError } from '../../base/index.ts';
import { type Progress, resolveGuest, runStage } from '../../image/index.ts';
import { agentProgram, type Places } from '../../site/index.ts';
import type { VmSpec } from '../../vm/index.ts';
import { accelerate } from './accelerate.ts';
import { guestKind } from './kinds/index.ts';
import { nodeSettings } from './node-settings.ts';
import { templateOf } from './warm-start.ts';

export interface WarmAheadOptions {
  readonly img: string;
  readonly vcpus: number;
  /** Bytes. */
  readonly ram: number;
  readonly cpu?: string | undefined;
  readonly kernel?: string | undefined;
  readonly places: readonly Places[];
  readonly uid: number;
  /** Of this process. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** This node's name without a domain. */
  readonly node: string;
  readonly progress: Progress;
  readonly signal: AbortSignal;
}

export interface ReadyTemplate {
  readonly dir: string;
  readonly key: string;
  /** Whether it was not there before. */
  readonly made: boolean;
}

/**
 * See that there is the template with which jobs of this image and shape start on this node. What root makes all users have.
 * @throws VtorqueError `E_TEMPLATE` with the reason, and as `resolveGuest`
 */
export async function warmAhead(options: WarmAheadOptions): Promise<ReadyTemplate> {
  const { img, vcpus, ram, cpu, kernel, places, uid, progress, signal } = options;
  const settings = await nodeSettings(options.env, uid, options.node);
  const guest = await resolveGuest(img, { places, agent: agentProgram, kernel, signal });
  const env = { PATH: options.env.PATH ?? '/usr/local/bin:/usr/bin:/bin' };
  const { accelerator } = await accelerate(guest, settings, { places, env, signal });
  const kind = guestKind(guest);
  const { boot, disk } = kind.machine;
  const shape = { name: 'template', vcpus, ram, accelerator, ...(cpu === undefined ? {} : { cpu }) };
  const spec: VmSpec = { ...shape, boot, ...(disk === undefined ? {} : { disk }), shares: [] };
  const choice = await runStage(progress, `template of ${img}`, (note) =>
    templateOf(spec, {
      ...{ places, uid, env, quota: settings.templates, kind, signal, again: true },
      readyWithinMs: settings.readyWithinMs ?? kind.readyWithinMs,
      onMaking: (problem = 'booting a guest') => note(problem),
    }),
  );
  if (choice.template === undefined) {
    throw new VtorqueError('E_TEMPLATE', `Cannot make a template of "${img}": ${choice.reason}`, {
      hint: 'Jobs with this image boot their VMs',
    });
  }
  await using template = choice.template;
  return { dir: template.dir, key: template.manifest.key, made: choice.made };
}

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { resolveGuest } from '../src/image/index.ts';
import { trialWith } from '../src/node/guest/accelerate.ts';
import { guestKind } from '../src/node/guest/kinds/index.ts';
import { templateOf } from '../src/node/guest/warm-start.ts';
import { agentProgram, placesToRead } from '../src/site/index.ts';
import { type Accelerator, cloning, knownAccelerator, type RunningVm, startVm, type VmSpec } from '../src/vm/index.ts';
import { type Measurement, measureInTurn, summarize } from './measure.ts';

const MiB = 1024 ** 2;
const env = { PATH: process.env.PATH ?? '/usr/bin:/bin' };
const readyWithinMs = 180_000;

export interface StartMeasurements {
  readonly times: readonly Measurement[];
  /** Memory of machines of 512 MiB, each with what it shares divided by those it shares it with, in MiB. */
  readonly memory: readonly { readonly what: string; readonly pssMiB: number }[];
}

/** Machines by themselves, without job and batch system: from the start of QEMU until the agent answers, and what memory they take then. */
export async function measureStarts(runs: number, coldRuns: number): Promise<StartMeasurements> {
  const directory = await mkdtemp(join(tmpdir(), 'vtt-bench-'));
  try {
    const start = await starterOf(directory);
    const cold = await measureInTurn(coldRuns, { 'machine boots, exec to agent ready': () => endOf(start('boot')) });
    const warm = await measureInTurn(runs, {
      'clone, exec to agent ready': () => endOf(start('clone')),
      'clone with a 9p share, exec to agent ready': () => endOf(start('clone', true)),
    });
    const together = [];
    const memory = [];
    for (const count of [1, 4, 8, 16]) {
      const times = [];
      const sizes = [];
      for (let run = 0; run < Math.min(runs, 5); run++) {
        const from = performance.now();
        const machines = await Promise.all(Array.from({ length: count }, () => start('clone')));
        times.push(performance.now() - from);
        sizes.push(...(await Promise.all(machines.map(({ pid }) => pssOf(pid)))));
        await Promise.all(machines.map((machine) => machine.stop()));
      }
      together.push(summarize(`${count} clones at a time, all ready`, times));
      memory.push({ what: `each of ${count} clones`, pssMiB: summarize('', sizes).median });
    }
    return { times: [...cold, ...warm, ...together], memory };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function starterOf(directory: string): Promise<(how: 'boot' | 'clone', share?: boolean) => Promise<RunningVm>> {
  const uid = process.getuid?.() ?? 0;
  const places = placesToRead(process.env, uid);
  const guest = await resolveGuest('host', { places, agent: agentProgram });
  if (guest.kind !== 'host') throw new Error('the host is another kind of guest');
  const { kernel, initrd } = guest;
  const known = await knownAccelerator(trialWith(guest, places, process.env));
  const accelerator: Accelerator = known?.accelerator ?? 'tcg';
  const boot = { kind: 'direct', kernel, initrd } as const;
  const plain: VmSpec = { name: 'bench', vcpus: 1, ram: 512 * MiB, accelerator, boot, shares: [] };
  const shared: VmSpec = { ...plain, shares: [{ transport: '9p', tag: 'host', source: '/', readonly: true }] };
  const own = { data: directory, cache: directory, state: directory };
  return async (how, share = false) => {
    const spec = share ? shared : plain;
    if (how === 'boot') return startVm(spec, { readyWithinMs, env });
    const kind = guestKind(guest);
    const choice = await templateOf(spec, { places: [own], uid, env, readyWithinMs, quota: 4096 * MiB, kind });
    if (choice.template === undefined) throw new Error(choice.reason);
    await using template = choice.template;
    return await startVm(spec, { readyWithinMs, env }, cloning(spec, template));
  };
}

async function endOf(starting: Promise<RunningVm>): Promise<void> {
  const machine = await starting;
  await machine.stop();
}

async function pssOf(pid: number): Promise<number> {
  const [, kilobytes = ''] = /^Pss:\s+(\d+) kB$/m.exec(await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}

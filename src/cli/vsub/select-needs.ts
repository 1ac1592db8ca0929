import { MiB, VtorqueError } from '../../base/index.ts';
import { type EffectiveOptions, parseMem, raiseSelect, type SelectLayout, selectLayout } from '../../pbs/index.ts';
import type { Added, SubmitSettings } from './needs.ts';
import type { NodeLoad } from './node-load.ts';

/**
 * How a job of OpenPBS with `-l select=` lies on its nodes; undefined for a job without it.
 * @throws VtorqueError `E_NODES_UNAVAILABLE` when it leaves open on how many nodes it is
 */
export function requestedLayout({ resources }: EffectiveOptions): SelectLayout | undefined {
  const select = resources.get('select');
  if (select === undefined) return undefined;
  const layout = selectLayout(select, resources.get('place'));
  if (layout !== undefined) return layout;
  throw new VtorqueError(
    'E_NODES_UNAVAILABLE',
    `Cannot use select=${select} with -vm: it does not say on how many nodes the job is, which is not available in this version`,
    { hint: 'Add -l place=scatter for one node per chunk, or -l place=pack for one node', phase: 'check' },
  );
}

/**
 * What a job of OpenPBS with `-l select=` or `-l place=`, beside which `-l nodes=` is refused, must ask for because of the VMs on
 * each of its nodes.
 * @param layout undefined without `-l select=`
 * @throws VtorqueError `E_VCPUS_SLOTS`, `E_RAM_MEM` for less than that, where the site refuses it
 */
export function selectNeeds(
  { vcpus, ram, ramdisk, own, vcpusAsked, ramAsked }: NodeLoad,
  layout: SelectLayout | undefined,
  { resources }: EffectiveOptions,
  { hostCores, hostRam, undersized }: SubmitSettings,
): Added[] {
  const asked = resources.get('select') ?? '';
  const [neededSlots, neededRam] = [vcpus + hostCores, ram + ramdisk + own + hostRam];
  if (layout === undefined) {
    const reason = `${vcpusAsked}, and what the node itself needs`;
    return neededSlots > 1 ? [{ words: ['-l', `select=1:ncpus=${neededSlots}`], reason }] : [];
  }
  const { slots, mem } = layout;
  const fewSlots = slots < neededSlots;
  const littleRam = mem !== undefined && parseMem(mem) < neededRam;
  if (!fewSlots && !littleRam) return [];
  const megabytes = `${Math.ceil(neededRam / MiB)}mb`;
  const raised = raiseSelect(asked, fewSlots ? neededSlots : 1, littleRam ? megabytes : undefined);
  if (undersized === 'raise') {
    const reason = `${vcpusAsked} and ${ramAsked}, and what the node itself needs`;
    return [{ words: ['-l', `select=${raised}`], reason, replaces: `select=${asked}` }];
  }
  const hint = `Ask for -l select=${raised}, or for a smaller VM`;
  throw fewSlots
    ? new VtorqueError('E_VCPUS_SLOTS', `Cannot use ${vcpusAsked} with -l select=${asked}: ${slots} CPUs on a node`, {
        hint,
        phase: 'check',
      })
    : new VtorqueError('E_RAM_MEM', `Cannot use ${ramAsked} with -l select=${asked}: mem=${mem} on a node`, {
        hint,
        phase: 'check',
      });
}

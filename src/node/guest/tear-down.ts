import { VtorqueError, within } from '../../base/index.ts';
import type { NodeGuest } from './node-guest.ts';

/** What the script left running has this long, once it is asked to end. */
const processGraceMs = 500;
/** Writing out and unmounting the user's directories; after that the machine is ended all the same. */
const unmountWithinMs = 20_000;
/** What was written to a disk that stays may be as much as the guest and its node have memory for. */
const diskWithinMs = 600_000;

/**
 * End the guest so that everything it wrote to the user's directories is there, then the machine.
 * @throws VtorqueError when that is not certain
 */
export async function tearDown(guest: Pick<NodeGuest, 'machine' | 'watch' | 'shareFailure' | 'disks'>): Promise<void> {
  const { machine } = guest;
  const { agent, spec } = machine;
  const withinMs = spec.data?.keeps === true ? diskWithinMs : unmountWithinMs;
  const end = async (): Promise<void> => {
    await agent.shutdown({ graceMs: processGraceMs, how: 'wait' });
    await guest.disks.unmount(agent);
  };
  await within(guest.watch('tear-down', end()), {
    ms: withinMs,
    late: () =>
      new VtorqueError('E_TEAR_DOWN', `Cannot end guest "${spec.name}" cleanly: no answer in ${withinMs / 1000} s`, {
        hint: 'What the script wrote last may be missing from its files',
        phase: 'tear-down',
        details: machine.consoleLines(),
      }),
  });
  // A guest can unmount what nobody serves any more: what it had not written out by then is lost.
  const failure = guest.shareFailure();
  if (failure !== undefined) throw failure;
  await machine.stop();
}

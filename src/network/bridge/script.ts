import { stat } from 'node:fs/promises';
import { runTool } from '../prepared/index.ts';

const SCRIPT_MS = 5000;

/**
 * Ask the site's script for hardware addresses, as vTorque of 2018 did: `SCRIPT NODE VMS INDEX` prints one. The index counts from 0.
 * @param script an absolute path
 * @throws Error when others than root could have changed it, when it fails, or does not end in time
 */
export async function scriptMacs(
  script: string,
  node: string,
  vms: number,
  slots: readonly number[],
): Promise<string[]> {
  const { uid, mode } = await stat(script);
  if (uid !== 0 || (mode & 0o022) !== 0) throw new Error(`others than root may change "${script}"`);
  return Promise.all(
    slots.map(async (slot) => {
      const output = await runTool(script, [node, String(vms), String(slot - 1)], { timeoutMs: SCRIPT_MS });
      return output.trim().toLowerCase();
    }),
  );
}

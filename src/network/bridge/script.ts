import { runTool } from '../../process/index.ts';

const SCRIPT_MS = 5000;

/**
 * Ask the site's script for hardware addresses, as vTorque of 2018 did: `SCRIPT NODE VMS INDEX` prints one. The index counts from 0.
 * @param script an absolute path; it runs as the user of this process, who must trust it
 * @throws VtorqueError `E_TOOL` when it fails, or does not end in time, `E_TOOL_MISSING`
 */
export async function scriptMacs(
  script: string,
  node: string,
  vms: number,
  slots: readonly number[],
): Promise<string[]> {
  return Promise.all(
    slots.map(async (slot) => {
      const output = await runTool([script, node, String(vms), String(slot - 1)], { withinMs: SCRIPT_MS });
      return output.trim().toLowerCase();
    }),
  );
}

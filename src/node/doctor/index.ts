import { batchChecks } from './batch.ts';
import type { Check, DoctorDeps, Finding, Role } from './finding.ts';
import { guestChecks } from './guests.ts';
import { hookChecks } from './hooks.ts';
import { jobNetworkChecks } from './job-networks.ts';
import { machineChecks } from './machine.ts';
import { networkChecks } from './networks.ts';
import { warmStartChecks } from './warm-starts.ts';

export type { Finding, Role, Severity } from './finding.ts';

const checks: readonly Check[] = [
  ...batchChecks,
  ...hookChecks,
  ...guestChecks,
  ...warmStartChecks,
  ...machineChecks,
  ...jobNetworkChecks,
  ...networkChecks,
];

/** Look at everything that a job needs on a machine of these roles. Changes nothing; where nobody knows yet whether KVM works, an ordinary user finds out. */
export async function examine(roles: readonly Role[], deps: DoctorDeps): Promise<Finding[]> {
  const wanted = checks.filter((check) => check.roles.some((role) => roles.includes(role)));
  const found = await Promise.all(
    wanted.map(async ({ name, run }) => (await run(deps)).map((finding) => ({ check: name, ...finding }))),
  );
  return found.flat();
}

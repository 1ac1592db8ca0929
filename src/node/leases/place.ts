import { isAbsolute, join } from 'node:path';
import { VtorqueError } from '../../base/index.ts';
import type { EngineName } from '../../engine/engine.ts';
import { leasesDirectory } from '../../site/index.ts';

/**
 * Where the leases of a batch system are on this machine. Of the embedded one there may be several instances, each with a
 * directory of its own, which is its cluster: they are there and go with it. Pure.
 * @throws VtorqueError `E_LEASES` when it is not known which instance is meant
 */
export function leasesPlace(
  engine: EngineName,
  cluster: string,
  env: Readonly<Record<string, string | undefined>>,
  uid: number,
): string {
  if (engine !== 'embedded') return leasesDirectory(env, uid);
  if (isAbsolute(cluster)) return join(cluster, 'leases');
  throw new VtorqueError(
    'E_LEASES',
    `Cannot find the leases of the embedded batch system: "${cluster}" is no directory`,
    {
      hint: 'Hooks are told by VTORQUE_LOCAL which instance has called them',
      phase: 'check',
    },
  );
}

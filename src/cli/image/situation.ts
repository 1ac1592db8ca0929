import type { PrepareOptions } from '../../image/index.ts';
import { agentProgram, ownPlaces, placesToRead } from '../../site/index.ts';

export type Situation = Pick<PrepareOptions, 'places' | 'own' | 'uid' | 'agent'>;

/** Who runs this command, and where it reads and writes. */
export function situation(): Situation {
  const uid = process.getuid?.() ?? 0;
  return {
    uid,
    places: placesToRead(process.env, uid),
    own: ownPlaces(process.env, uid),
    agent: agentProgram,
  };
}

/** What was said about a node. */
export interface NodeMark {
  /** By pbsnodes -o. */
  readonly offline?: boolean;
  /** A hook has failed there. */
  readonly down?: boolean;
  readonly note?: string;
}

/** May jobs start there? */
export function isUsable({ offline, down }: NodeMark): boolean {
  return !offline && !down;
}

/** The state in Torque's words. */
export function stateOf({ offline, down }: NodeMark, full: boolean): string {
  const states = [...(down ? ['down'] : []), ...(offline ? ['offline'] : []), ...(full ? ['job-exclusive'] : [])];
  return states.join(',') || 'free';
}

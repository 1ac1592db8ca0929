/**
 * What is counted, in words that name a file and become labels of a metric: none of them has anything of a user or of a job in it. Machines are counted
 * when their guests have answered: `fallback` are those that booted since something had failed, `cold` those that booted for any other reason.
 */
export type Event =
  | readonly ['start', 'warm']
  | readonly ['start', 'cold' | 'fallback', reason: string]
  | readonly ['template', 'made']
  | readonly ['template', 'given-up', reason: string];

const known = /^(start\.warm|start\.(cold|fallback)\.[\w=-]+|template\.made|template\.given-up\.[\w=-]+)$/;

/** The name of an event's counter. A reason that is not one word becomes `other`. Pure. */
export function nameOf([what, how, reason]: Event): string {
  if (reason === undefined) return `${what}.${how}`;
  return `${what}.${how}.${/^[\w=-]{1,64}$/.test(reason) ? reason : 'other'}`;
}

/** The event of a counter; undefined for the name of anything else. Pure. */
export function eventOf(name: string): Event | undefined {
  return known.test(name) ? (name.split('.') as unknown as Event) : undefined;
}

/** The name of a job: `121.head`, of an array: `121[].head`, of one of its elements: `121[1].head`. */
export interface JobId {
  readonly sequence: number;
  /** `'all'` for the array itself, a number for one element. */
  readonly element?: number | 'all';
  /** None when it was left out, as users may. */
  readonly server?: string;
}

/** Read a job id, with or without its server; undefined for anything else. */
export function parseJobId(text: string): JobId | undefined {
  const match = /^(\d{1,15})(?:\[(\d{0,9})\])?(?:\.([A-Za-z0-9_.:-]+))?$/.exec(text);
  if (match === null) return undefined;
  const [, sequence, element, server] = match;
  return {
    sequence: Number(sequence),
    ...(element === undefined ? {} : { element: element === '' ? 'all' : Number(element) }),
    ...(server === undefined ? {} : { server }),
  };
}

export function formatJobId({ sequence, element, server }: JobId): string {
  const brackets = element === undefined ? '' : `[${element === 'all' ? '' : element}]`;
  return `${sequence}${brackets}${server === undefined ? '' : `.${server}`}`;
}

/** How the job's files are named, without brackets: `121-1.head`. */
export function filePrefix({ sequence, element, server }: JobId): string {
  const suffix = typeof element === 'number' ? `-${element}` : '';
  return `${sequence}${suffix}${server === undefined ? '' : `.${server}`}`;
}

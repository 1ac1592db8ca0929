import { qsubError } from './errors.ts';

/** One part of a `nodes=` request, between two plus signs. */
export interface NodeRequest {
  /** How many nodes; 1 for a node by its name. */
  readonly count: number;
  readonly host?: string;
  /** Slots on each. */
  readonly ppn: number;
  readonly gpus: number;
  /** Features that the nodes must have. */
  readonly properties: readonly string[];
}

/**
 * Read the value of `nodes=`: `2:ppn=4:gpus=1+n3:ppn=2`.
 * @throws VtorqueError `E_QSUB` with the server's text and exit code
 */
export function parseNodes(text: string): NodeRequest[] {
  // "#excl" and "#shared" at the end concern all parts and change nothing for us.
  const spec = text.replace(/#(excl|shared)$/, '');
  return spec.split('+').map((part) => parsePart(part.trim()));
}

function parsePart(part: string): NodeRequest {
  const [first = '', ...rest] = part.split(':');
  // A part may also start with a feature or with ppn=.
  const counted = /^\d+$/.test(first);
  const host = counted || first.includes('=') ? undefined : first;
  let ppn = 1;
  let gpus = 0;
  const properties: string[] = [];
  for (const item of counted || host !== undefined ? rest : [first, ...rest]) {
    const [, name = '', digits] = /^([^=]+)(?:=(.*))?$/.exec(item) ?? [];
    if (name === '') throw infeasible();
    if (name === 'ppn') ppn = positive(digits);
    else if (name === 'gpus') gpus = positive(digits);
    else properties.push(item);
  }
  if (first === '') throw infeasible();
  return { count: counted ? positive(first) : 1, ...(host === undefined ? {} : { host }), ppn, gpus, properties };
}

function positive(digits: string | undefined): number {
  const value = /^\d+$/.test(digits ?? '') ? Number(digits) : 0;
  if (value < 1 || !Number.isSafeInteger(value)) throw infeasible();
  return value;
}

/** How many nodes a request asks for. */
export function nodeCount(requests: readonly NodeRequest[]): number {
  return requests.reduce((sum, request) => sum + request.count, 0);
}

/** PBSE_EXLIMIT, modulo 256. */
function infeasible(): Error {
  return qsubError(
    'qsub: submit error (Job exceeds queue resource limits MSG=cannot locate feasible nodes (nodes file is empty, all systems are busy, or no nodes have the requested feature))',
    190,
    'Write nodes=COUNT:ppn=SLOTS, for instance nodes=1:ppn=4',
  );
}

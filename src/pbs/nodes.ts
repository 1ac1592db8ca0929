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
  if (!WELL_FORMED.test(text)) throw badValue();
  // What stands behind "#" is asked of the nodes of all parts, as if it were a feature; Torque 6.1 knows no "excl" or "shared".
  const [parts = '', ...ofAll] = text.split('#');
  return parts.split('+').map((part) => {
    const request = parsePart(part.trim());
    return { ...request, properties: [...request.properties, ...ofAll] };
  });
}

// Numbers and names with :, + or # between them, each perhaps behind blanks.
const WELL_FORMED = /^\s*(?:\d+|[A-Za-z][\w.=-]*)(?:[:+#]\s*(?:\d+|[A-Za-z][\w.=-]*))*$/;

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
    if (name === 'ppn') ppn = positive(digits);
    else if (name === 'gpus') gpus = positive(digits);
    else if (digits !== undefined && name !== 'mics') throw invalidSyntax();
    else properties.push(item);
  }
  return { count: counted ? positive(first) : 1, ...(host === undefined ? {} : { host }), ppn, gpus, properties };
}

function positive(digits: string | undefined): number {
  const value = /^\d+$/.test(digits ?? '') ? Number(digits) : 0;
  if (value < 1 || !Number.isSafeInteger(value)) throw invalidSyntax();
  return value;
}

/** How many nodes a request asks for. */
export function nodeCount(requests: readonly NodeRequest[]): number {
  return requests.reduce((sum, request) => sum + request.count, 0);
}

const HINT = 'Write nodes=COUNT:ppn=SLOTS, for instance nodes=1:ppn=4';

/** PBSE_BADATVAL, modulo 256. */
function badValue(): Error {
  return qsubError('qsub: submit error (Illegal attribute or resource value for Resource_List.nodes)', 168, HINT);
}

/** PBSE_INVALID_SYNTAX, modulo 256. */
function invalidSyntax(): Error {
  return qsubError('qsub: submit error (Command syntax invalid MSG=Invalid Syntax)', 27, HINT);
}

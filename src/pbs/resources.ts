import { qsubError, qsubUsageError } from './errors.ts';
import { BLANK } from './words.ts';

export interface Resource {
  readonly name: string;
  readonly value: string;
}

/**
 * Split the value of one `-l`: `nodes=2:ppn=4,walltime=60,other="a,b"`. A quote that begins before the next comma
 * protects what is in it; `[` and `]` protect commas, too. `gpus=2` becomes `gres` with the value `gpus:2`.
 * @throws VtorqueError `E_QSUB` with qsub's text and exit code
 */
export function parseResourceList(text: string): Resource[] {
  const resources: Resource[] = [];
  if (text.includes(',procs=') && text.includes('nodes=')) throw illegal('procs and nodes exclude each other');
  for (let at = 0; at < text.length; ) {
    while (BLANK.test(text.charAt(at))) at++;
    const nameStart = at;
    while (at < text.length && !'=,'.includes(text.charAt(at))) at++;
    if (at === nameStart) throw illegal('A resource needs a name: -l NAME=VALUE[,NAME=VALUE]');
    if (text.charAt(at) !== '=') {
      const rest = text.slice(nameStart);
      throw qsubError(
        `Cannot find an attr=value pair in comma separated value '${rest}'`,
        1,
        'Write -l NAME=VALUE[,NAME=VALUE]',
      );
    }
    const name = text.slice(nameStart, at).split(BLANK, 1)[0] ?? '';
    const { value, end } = readValue(text, at + 1);
    if (name.startsWith('gpus')) resources.push({ name: 'gres', value: `${name}:${value}` });
    else resources.push({ name, value });
    at = end;
    if (text.charAt(at) === ',') {
      at++;
      if (at === text.length) throw illegal('Remove the comma at the end');
    }
  }
  return resources;
}

function readValue(text: string, from: number): { value: string; end: number } {
  let start = from;
  while (BLANK.test(text.charAt(start))) start++;
  const quote = openingQuote(text, start);
  if (quote !== undefined) {
    // What stands before the quote is lost, and either kind of quote closes it: as in the original.
    const rest = text.slice(quote + 1);
    const length = rest.search(/['"]/);
    const value = length < 0 ? rest : rest.slice(0, length);
    let end = quote + 1 + value.length;
    while (`'"`.includes(text.charAt(end)) && end < text.length) end++;
    return { value, end };
  }
  let end = start;
  for (let inBrackets = false; end < text.length; end++) {
    const char = text.charAt(end);
    if (char === '[') inBrackets = true;
    if (char === ']') inBrackets = false;
    if (char === ',' && !inBrackets) break;
  }
  return { value: text.slice(start, end), end };
}

/** The quote that begins before the next comma; single quotes are looked for first. */
function openingQuote(text: string, from: number): number | undefined {
  const comma = text.indexOf(',', from);
  for (const quote of ["'", '"']) {
    const at = text.indexOf(quote, from);
    if (at >= 0 && (comma < 0 || at < comma)) return at;
  }
  return undefined;
}

/**
 * What a job asks for in the end. Within one source the later request beats the earlier one; the command line beats
 * the script's directives, resource by resource.
 */
export function mergeResources(
  commandLine: readonly Resource[],
  directives: readonly Resource[],
): ReadonlyMap<string, string> {
  return new Map([...directives, ...commandLine].map(({ name, value }) => [name, value]));
}

/** What only the server sets. */
const SET_BY_SERVER = new Set(
  'nodect neednodes procct cpupercent nodemask taskspn pe_mask mppnodect energy_used'.split(' '),
);

/**
 * Refuse resources that no user may set.
 * @throws VtorqueError `E_QSUB` with the server's text and exit code
 */
export function checkMaySet(resources: ReadonlyMap<string, string>): void {
  const name = [...resources.keys()].find((each) => SET_BY_SERVER.has(each));
  if (name === undefined) return;
  throw qsubError(
    `qsub: submit error (Cannot set attribute, read only or insufficient permission  Resource_List.${name})`,
    155,
    `Leave out ${name}; the batch system works it out itself`,
  );
}

function illegal(hint: string): Error {
  return qsubUsageError('qsub: illegal -l value', hint);
}

/**
 * Names of nodes out of Slurm's short form: `n[1-3,07-09],login` are n1, n2, n3, n07, n08, n09, login. Pure: hooks cannot
 * ask scontrol.
 * @throws Error for a text that is none
 */
export function expandHostList(text: string): string[] {
  const items = text.match(/(?:[^,[\]]|\[[^\]]*\])+/g) ?? [];
  if (items.join(',') !== text) throw new Error(`no list of nodes: ${text}`);
  return items.flatMap(expand);
}

function expand(item: string): string[] {
  const [, before = '', list, after = ''] = /^([^[\]]*)\[([^\]]*)\](.*)$/.exec(item) ?? [];
  if (list === undefined) {
    if (/[[\]]/.test(item)) throw new Error(`no list of nodes: ${item}`);
    return [item];
  }
  const rest = expand(after);
  return list
    .split(',')
    .flatMap((range) => numbers(range).flatMap((digits) => rest.map((end) => `${before}${digits}${end}`)));
}

/** More nodes than any cluster has would only be a mistake. */
const MOST = 100_000;

function numbers(range: string): string[] {
  const [, first, last = first] = /^(\d+)(?:-(\d+))?$/.exec(range) ?? [];
  if (first === undefined || last === undefined) throw new Error(`no range of nodes: ${range}`);
  const count = Number(last) - Number(first) + 1;
  if (!(count >= 1 && count <= MOST)) throw new Error(`no range of nodes: ${range}`);
  return Array.from({ length: count }, (_, i) => String(Number(first) + i).padStart(first.length, '0'));
}

/** Slots of each node out of Slurm's short form: `2(x3),1` are 2, 2, 2, 1. */
export function expandCounts(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [, count, times = '1'] = /^(\d+)(?:\(x(\d+)\))?$/.exec(part) ?? [];
    if (count === undefined || Number(times) > MOST) throw new Error(`no counts of nodes: ${text}`);
    return Array.from({ length: Number(times) }, () => Number(count));
  });
}

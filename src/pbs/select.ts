/** What `-l select=` and `-l place=` of OpenPBS mean for a job in VMs. */
export interface SelectLayout {
  /** On how many nodes the job is. */
  readonly nodes: number;
  /** Slots on each of them; where they differ, on that with the fewest. */
  readonly slots: number;
  /** The value of `mem=` that holds on each node, where all chunks are alike; undefined without one. */
  readonly mem: string | undefined;
}

interface Chunk {
  readonly count: number;
  readonly ncpus: number;
  readonly mem: string | undefined;
}

/**
 * Read `select=2:ncpus=4:mem=2gb+1:ncpus=8` with the value of `place=`. Undefined when it leaves open on how many nodes the job
 * is, or when it is no such value: that is for qsub to say. Pure.
 */
export function selectLayout(select: string, place: string | undefined): SelectLayout | undefined {
  const chunks: Chunk[] = [];
  for (const part of select.split('+')) {
    const chunk = parseChunk(part.trim());
    if (chunk === undefined) return undefined;
    chunks.push(chunk);
  }
  const count = chunks.reduce((sum, chunk) => sum + chunk.count, 0);
  const arrangement = (place ?? '').split(':');
  const [one] = chunks;
  const mem = chunks.length === 1 && count === 1 ? one?.mem : undefined;
  if (count === 1 || arrangement.includes('pack')) {
    return { nodes: 1, slots: chunks.reduce((sum, chunk) => sum + chunk.count * chunk.ncpus, 0), mem };
  }
  if (!arrangement.some((word) => word === 'scatter' || word === 'vscatter')) return undefined;
  return { nodes: count, slots: Math.min(...chunks.map(({ ncpus }) => ncpus)), mem: one?.mem };
}

function parseChunk(text: string): Chunk | undefined {
  const parts = text.split(':');
  const counted = /^\d+$/.test(parts[0] ?? '');
  const count = counted ? Number(parts.shift()) : 1;
  let ncpus = 1;
  let mem: string | undefined;
  for (const part of parts) {
    const [, name, value = ''] = /^([^=]+)=(.*)$/.exec(part) ?? [];
    if (name === undefined) return undefined;
    if (name === 'ncpus') ncpus = Number(value);
    if (name === 'mem') mem = value;
  }
  return count > 0 && Number.isSafeInteger(ncpus) && ncpus > 0 ? { count, ncpus, mem } : undefined;
}

/** The same with at least so many slots, and memory where it says how much, in each chunk. Pure. */
export function raiseSelect(select: string, ncpus: number, mem?: string): string {
  return select
    .split('+')
    .map((part) => {
      const withSlots = raise(part.trim(), 'ncpus', (asked) => (Number(asked ?? 1) >= ncpus ? undefined : `${ncpus}`));
      return mem === undefined
        ? withSlots
        : raise(withSlots, 'mem', (asked) => (asked === undefined ? undefined : mem));
    })
    .join('+');
}

function raise(chunk: string, name: string, raised: (asked: string | undefined) => string | undefined): string {
  const pattern = new RegExp(`(^|:)${name}=([^:]*)`);
  const asked = pattern.exec(chunk)?.[2];
  const value = raised(asked);
  if (value === undefined) return chunk;
  if (asked !== undefined) return chunk.replace(pattern, `$1${name}=${value}`);
  return chunk === '' ? `${name}=${value}` : `${chunk}:${name}=${value}`;
}

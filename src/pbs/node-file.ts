/** One host of a job and the number of its slots there. */
export interface HostSlots {
  readonly host: string;
  readonly slots: number;
}

/** Read a PBS_NODEFILE: one line per slot. Hosts come in the order of their first lines, the job's first host first. */
export function parseNodeFile(text: string): HostSlots[] {
  const slots = new Map<string, number>();
  for (const line of text.split('\n')) {
    const host = line.trim();
    if (host !== '') slots.set(host, (slots.get(host) ?? 0) + 1);
  }
  return [...slots].map(([host, count]) => ({ host, slots: count }));
}

export function formatNodeFile(hosts: readonly HostSlots[]): string {
  return hosts.map(({ host, slots }) => `${host}\n`.repeat(slots)).join('');
}

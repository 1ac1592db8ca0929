/**
 * Spread a number over places as evenly as their room allows; the first ones get what does not divide.
 * There must be room for all of it.
 */
export function splitEvenly(total: number, rooms: readonly number[]): number[] {
  const parts = rooms.map(() => 0);
  for (let left = total; left > 0; ) {
    const open = rooms.flatMap((room, at) => (room > (parts[at] ?? 0) ? [at] : []));
    if (open.length === 0) throw new Error('there is no room for all of it');
    const each = Math.max(1, Math.floor(left / open.length));
    for (const at of open) {
      const more = Math.min(each, left, (rooms[at] ?? 0) - (parts[at] ?? 0));
      parts[at] = (parts[at] ?? 0) + more;
      left -= more;
    }
  }
  return parts;
}

/**
 * Spread memory over places in proportion to weights, as far as each has room; what is left goes where there is room, first to
 * those with a weight.
 * @param unit bytes; each part is a multiple of it, as `total` must be
 * @returns undefined when there is no room for all of it
 */
export function splitByWeight(
  total: number,
  unit: number,
  places: readonly { readonly weight: number; readonly room: number }[],
): number[] | undefined {
  const weights = places.reduce((sum, { weight }) => sum + weight, 0);
  const rooms = places.map(({ room }) => Math.floor(room / unit) * unit);
  const parts = places.map(({ weight }, at) => {
    const wanted = weights === 0 ? 0 : Math.floor((total * weight) / weights / unit) * unit;
    return Math.min(wanted, rooms[at] ?? 0);
  });
  let left = total - parts.reduce((sum, part) => sum + part, 0);
  const order = places.map((_, at) => at).sort((a, b) => Number(weight(places, b) > 0) - Number(weight(places, a) > 0));
  for (const at of order) {
    const more = Math.min(left, (rooms[at] ?? 0) - (parts[at] ?? 0));
    parts[at] = (parts[at] ?? 0) + more;
    left -= more;
  }
  return left > 0 ? undefined : parts;
}

function weight(places: readonly { readonly weight: number }[], at: number): number {
  return places[at]?.weight ?? 0;
}

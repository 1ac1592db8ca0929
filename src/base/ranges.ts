/**
 * Read a list of numbers as the kernel writes those of CPUs, and batch systems those of slots and elements: `0-3,8`; an empty one has none.
 * @throws Error for anything else
 */
export function parseRanges(text: string): number[] {
  const trimmed = text.trim();
  if (trimmed === '') return [];
  return trimmed.split(',').flatMap((part) => {
    const [, first, last = first] = /^(\d{1,7})(?:-(\d{1,7}))?$/.exec(part) ?? [];
    if (first === undefined || Number(last) < Number(first)) throw new Error(`"${part}" is no range of numbers`);
    return Array.from({ length: Number(last) - Number(first) + 1 }, (_, index) => Number(first) + index);
  });
}

/** Write such a list, sorted and as short as it can be. */
export function formatRanges(numbers: readonly number[]): string {
  const sorted = numbers.every((each, at) => at === 0 || each > (numbers[at - 1] ?? each))
    ? numbers
    : [...new Set(numbers)].sort((a, b) => a - b);
  const ranges: string[] = [];
  for (let at = 0; at < sorted.length; ) {
    const first = sorted[at] ?? 0;
    let length = 1;
    while (sorted[at + length] === first + length) length++;
    ranges.push(length === 1 ? String(first) : `${first}-${first + length - 1}`);
    at += length;
  }
  return ranges.join(',');
}

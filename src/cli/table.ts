/**
 * Rows as columns of equal width, two spaces between them, each line cut to `width` characters when that is known.
 * @param rows the first is the heading
 */
export function table(rows: readonly (readonly string[])[], width?: number): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  return rows
    .map((row) => {
      const line = row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd();
      return `${width === undefined || line.length <= width ? line : `${line.slice(0, width - 1)}…`}\n`;
    })
    .join('');
}

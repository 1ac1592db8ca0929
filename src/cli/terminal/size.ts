/** The size of the terminal that standard output is; undefined where it is none, or does not know its size, which it then calls zero. */
export function terminalSize(): { readonly columns: number; readonly rows: number } | undefined {
  const { stdout } = process;
  if (!stdout.isTTY) return undefined;
  const [columns, rows] = stdout.getWindowSize();
  return columns > 0 && rows > 0 ? { columns, rows } : undefined;
}

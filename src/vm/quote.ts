/** In QEMU's option lists a comma inside a value is written twice. */
export function quote(value: string): string {
  return value.replaceAll(',', ',,');
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** Text as it may stand between tags; control characters that XML cannot hold at all are left out. */
export function escapeXml(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it is about
  return text.replace(/[&<>]/g, (char) => ENTITIES[char] ?? char).replace(/[\x00-\x08\x0b\x0c\x0e-\x1f]/g, '');
}

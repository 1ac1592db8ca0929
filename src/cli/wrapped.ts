/**
 * Break a text between words into lines of at most `width` characters; what is longer without a blank stays whole.
 * @param width undefined: one line
 */
export function wrapped(text: string, width?: number): string[] {
  if (width === undefined) return [text];
  const lines: string[] = [];
  for (const word of text.split(' ')) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}

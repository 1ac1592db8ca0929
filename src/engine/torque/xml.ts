/** An element of the XML that Torque's commands print: no attributes, text or elements in it. */
export interface XmlElement {
  readonly name: string;
  readonly text: string;
  readonly children: readonly XmlElement[];
}

/**
 * Read what Torque's commands print with -x: one document, or one behind the other for each job that was asked for. Torque
 * escapes nothing but `<`, for which it puts the byte 14: so every `<` is markup, whatever users have called their jobs. Pure.
 * @throws Error for anything else
 */
export function parseTorqueXml(source: string): readonly XmlElement[] {
  const document: OpenElement = { name: '', text: '', children: [] };
  const open = [document];
  const body = source.replace(/<\?xml[^<>]*\?>/g, '');
  for (const [whole, closing, name, text] of body.matchAll(/<(\/?)([\w.-]+)>|([^<]+)|</g)) {
    const inner = open.at(-1) ?? document;
    if (text !== undefined) {
      inner.text += text.replaceAll('\x0e', '<');
    } else if (name === undefined) {
      throw new Error(`there is a "${whole}" that begins nothing`);
    } else if (closing === '') {
      const element: OpenElement = { name, text: '', children: [] };
      inner.children.push(element);
      open.push(element);
    } else if (open.length < 2 || open.pop()?.name !== name) {
      throw new Error(`"${name}" ends and has not begun`);
    }
  }
  if (open.length > 1) throw new Error(`"${open.at(-1)?.name}" does not end`);
  if (document.text.trim() !== '') throw new Error('it is no XML');
  // Nothing at all is what is said of no jobs; a head without a body was cut off.
  if (document.children.length === 0 && source.trim() !== '') throw new Error('there is nothing in it');
  return document.children;
}

interface OpenElement extends XmlElement {
  text: string;
  readonly children: OpenElement[];
}

/** The text of the first element in it of that name. */
export function textOf({ children }: XmlElement, name: string): string | undefined {
  return children.find((child) => child.name === name)?.text;
}

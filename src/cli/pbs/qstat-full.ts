import type { StatusReply } from '../../engine/embedded/protocol.ts';
import { type Attribute, attributesOf } from './job-attributes.ts';
import { escapeXml } from './xml.ts';

// Torque breaks an attribute's line at the comma after which the next item would reach this column. It does not count the
// commas, and takes the tab of a continued line for this many columns.
const LINE = 78;
const CONTINUED = 10;

/** `qstat -f`: a block per job; `qstat -f -1` keeps each attribute on one line. */
export function formatFull({ jobs, server, now }: StatusReply, oneLine: boolean): string {
  return jobs
    .map((job) => {
      const lines = attributesOf(job, { server, now }).map((attribute) => formatAttribute(attribute, oneLine));
      return `Job Id: ${job.id}\n${lines.join('')}\n`;
    })
    .join('');
}

function formatAttribute({ name, resource, value }: Attribute, oneLine: boolean): string {
  const start = `    ${name}${resource === undefined ? '' : `.${resource}`} = `;
  return `${start}${oneLine ? value : wrap(value, start.length)}\n`;
}

/** The lines of a value whose first one begins at `column`. */
export function wrap(value: string, column: number): string {
  let out = '';
  let at = column;
  for (const [i, item] of value.split(',').entries()) {
    if (i > 0) out += ',';
    if (at + item.length < LINE) {
      out += item;
      at += item.length;
      continue;
    }
    if (i > 0) {
      out += '\n\t';
      at = CONTINUED;
    }
    for (const char of item) {
      out += char;
      if (++at < LINE) continue;
      out += '\n\t';
      at = CONTINUED;
    }
  }
  return out;
}

/** `qstat -x`: everything as XML, on one line. */
export function formatXml({ jobs, server, now }: StatusReply): string {
  const list = jobs.map((job) => {
    const fields = [`<Job_Id>${escapeXml(job.id)}</Job_Id>`, ...elementsOf(attributesOf(job, { server, now }))];
    return `<Job>${fields.join('')}</Job>`;
  });
  return `<?xml version="1.0"?>\n<Data>${list.join('')}</Data>\n`;
}

/** Attributes with resources stand together in Torque's order, and become one element with others in it. */
function elementsOf(attributes: readonly Attribute[]): string[] {
  const groups = Map.groupBy(attributes, ({ name }) => name);
  return [...groups].map(([name, members]) => {
    const content = members.map(({ resource, value, time }) =>
      resource === undefined
        ? (time?.toString() ?? escapeXml(value))
        : `<${resource}>${escapeXml(value)}</${resource}>`,
    );
    return `<${name}>${content.join('')}</${name}>`;
  });
}

/** As much of JSON Schema as the published schemas use. */
export interface Schema {
  readonly $ref?: string;
  readonly $defs?: Readonly<Record<string, Schema>>;
  readonly const?: unknown;
  readonly enum?: readonly unknown[];
  readonly type?: string | readonly string[];
  readonly anyOf?: readonly Schema[];
  readonly properties?: Readonly<Record<string, Schema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | Schema;
  readonly items?: Schema;
}

const checked = new Set([
  ...['$ref', '$defs', '$schema', 'title', 'description', 'const', 'enum', 'type', 'anyOf', 'properties', 'required'],
  ...['additionalProperties', 'items'],
]);

/** Where a value does not follow a schema: one line each, none when it does. A keyword that is not checked is a line, too. */
export function schemaErrors(value: unknown, schema: Schema, root = schema, at = ''): string[] {
  const unknown = Object.keys(schema).filter((keyword) => !checked.has(keyword));
  if (unknown.length > 0) return [`${at}: the schema has ${unknown.join(', ')}, which is not checked`];
  if (schema.$ref !== undefined) {
    const target = root.$defs?.[schema.$ref.replace('#/$defs/', '')];
    return target === undefined ? [`${at}: no ${schema.$ref}`] : schemaErrors(value, target, root, at);
  }
  if ('const' in schema && value !== schema.const) return [`${at}: not ${JSON.stringify(schema.const)}`];
  if (schema.enum !== undefined && !schema.enum.includes(value))
    return [`${at}: ${JSON.stringify(value)} is not listed`];
  if (schema.type !== undefined && ![schema.type].flat().includes(typeOf(value))) {
    return [`${at}: ${typeOf(value)} instead of ${[schema.type].flat().join(' or ')}`];
  }
  if (schema.anyOf !== undefined) {
    const tries = schema.anyOf.map((each) => schemaErrors(value, each, root, at));
    return tries.some((errors) => errors.length === 0) ? [] : tries.flat();
  }
  if (Array.isArray(value)) {
    const { items } = schema;
    return items === undefined ? [] : value.flatMap((each, index) => schemaErrors(each, items, root, `${at}/${index}`));
  }
  return typeOf(value) === 'object' ? objectErrors(value as Record<string, unknown>, schema, root, at) : [];
}

function objectErrors(value: Record<string, unknown>, schema: Schema, root: Schema, at: string): string[] {
  const missing = (schema.required ?? []).filter((name) => !(name in value)).map((name) => `${at}/${name}: missing`);
  const wrong = Object.entries(value).flatMap(([name, each]) => {
    const rule = schema.properties?.[name] ?? schema.additionalProperties ?? true;
    if (rule === true) return [];
    return rule === false ? [`${at}/${name}: not in the schema`] : schemaErrors(each, rule, root, `${at}/${name}`);
  });
  return [...missing, ...wrong];
}

function typeOf(value: unknown): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'array';
  return Number.isInteger(value) ? 'integer' : typeof value;
}

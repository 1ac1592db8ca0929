/** Variables, as `process.env` has them. */
export type Env = Readonly<Record<string, string | undefined>>;

/** Those that have a value. */
export function definedOnly(env: Env): Record<string, string> {
  return Object.fromEntries(Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

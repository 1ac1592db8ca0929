import { getSystemErrorMap } from 'node:util';

/** `EACCES`, or `errno 999` for a number that this host does not know. */
export function errnoName(errno: number): string {
  return getSystemErrorMap().get(-errno)?.[0] ?? `errno ${errno}`;
}

/** `permission denied (EACCES)` */
export function errnoText(errno: number): string {
  const [name, message] = getSystemErrorMap().get(-errno) ?? [];
  return name === undefined ? `errno ${errno}` : `${message} (${name})`;
}

/** A line of /etc/passwd. */
export interface Account {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
  readonly gecos: string;
  readonly home: string;
  readonly shell: string;
}

/** A line of /etc/group. */
export interface Group {
  readonly name: string;
  readonly gid: number;
  readonly members: readonly string[];
}

/**
 * The text of /etc/passwd with this account. A line of the same name is replaced, a right one left alone; it stands
 * before others of the same uid, so that the uid means this name.
 */
export function withAccount(passwd: string, { name, uid, gid, gecos, home, shell }: Account): string {
  const line = [name, 'x', uid, gid, gecos.replaceAll(/[:\n]/g, ' '), home, shell].join(':');
  return withLine(passwd, name, uid, line, (there) => there === line);
}

/** The text of /etc/group with this group and at least these members; otherwise as `withAccount`. */
export function withGroup(groups: string, { name, gid, members }: Group): string {
  const line = [name, 'x', gid, members.join(',')].join(':');
  return withLine(groups, name, gid, line, (there) => {
    const [, , number, list = ''] = there.split(':');
    const has = new Set(list.split(','));
    return number === String(gid) && members.every((member) => has.has(member));
  });
}

/**
 * The text of /etc/shadow with an entry for everybody in `passwd`: those missing get one with which no password works.
 * @param shadow undefined when the guest's own cannot be read
 * @param open accounts that are not locked afterwards: nobody could log in to them by ssh, either
 */
export function withShadow(shadow: string | undefined, passwd: string, open: readonly string[] = []): string {
  const kept = linesOf(shadow ?? '').map((line) =>
    open.includes(nameOf(line)) ? line.replace(/^([^:]*):![^:]*:/, '$1:*:') : line,
  );
  const there = new Set(kept.map(nameOf));
  const names = new Set(linesOf(passwd).map(nameOf));
  const missing = [...names].filter((name) => !there.has(name) && /^[^+-]/.test(name));
  return text([...kept, ...missing.map((name) => `${name}:*:::::::`)]);
}

function withLine(all: string, name: string, id: number, line: string, right: (line: string) => boolean): string {
  const lines = linesOf(all);
  const first = lines.find((other) => nameOf(other) === name || idOf(other) === String(id));
  if (first !== undefined && nameOf(first) === name && right(first)) return all;
  const others = lines.filter((other) => nameOf(other) !== name);
  // Lines with + or - bring in the site's directory service and stay behind those of the guest.
  const at = others.findIndex((other) => idOf(other) === String(id) || /^[+-]/.test(other));
  return text(others.toSpliced(at < 0 ? others.length : at, 0, line));
}

function linesOf(all: string): string[] {
  return all.split('\n').filter((line) => line !== '');
}

function text(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('');
}

function nameOf(line: string): string {
  return line.split(':', 1)[0] ?? '';
}

function idOf(line: string): string | undefined {
  return line.split(':')[2];
}

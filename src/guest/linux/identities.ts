import { VtorqueError } from '../../base/index.ts';
import { type Account, type Group, withAccount, withGroup, withShadow } from './accounts.ts';
import { GuestCallError } from './connection.ts';

/** What is needed of the guest. Files are Latin-1 here, so that bytes of any encoding come through. */
export interface GuestFileAccess {
  read(path: string): Promise<string>;
  write(path: string, text: string, owned: { mode: number; uid: number; gid: number }): Promise<void>;
}

interface Edit {
  readonly change: (files: Files) => Files;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

interface Files {
  readonly passwd: string;
  readonly group: string;
  /** Names that must not be locked. */
  readonly open: readonly string[];
}

/** Keeps edits of the guest's accounts apart, and does those that come together in one go. */
export class Identities {
  readonly #files: GuestFileAccess;
  #waiting: Edit[] = [];
  #busy = false;

  constructor(files: GuestFileAccess) {
    this.#files = files;
  }

  async ensureAccount(account: Account): Promise<void> {
    check('account', [account.name], [account.home, account.shell]);
    const asBytes = {
      ...account,
      ...latin1({ name: account.name, gecos: account.gecos, home: account.home, shell: account.shell }),
    };
    return this.#edit((files) => ({
      ...files,
      passwd: withAccount(files.passwd, asBytes),
      open: [...files.open, asBytes.name],
    }));
  }

  async ensureGroup({ name, gid, members }: Group): Promise<void> {
    check('group', [name, ...members], []);
    const asBytes = { name: bytesOf(name), gid, members: members.map(bytesOf) };
    return this.#edit((files) => ({ ...files, group: withGroup(files.group, asBytes) }));
  }

  #edit(change: (files: Files) => Files): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ change, resolve, reject });
      if (this.#busy) return;
      this.#busy = true;
      queueMicrotask(() => void this.#work());
    });
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const edits = this.#waiting.splice(0);
      try {
        await this.#apply(edits);
        for (const { resolve } of edits) resolve();
      } catch (error) {
        for (const { reject } of edits) reject(error);
      }
    }
    this.#busy = false;
  }

  async #apply(edits: readonly Edit[]): Promise<void> {
    const [passwd, group, shadow] = await Promise.all([
      this.#readOr('/etc/passwd', ['ENOENT'], ''),
      this.#readOr('/etc/group', ['ENOENT'], ''),
      // A guest on the node's root file system reads it as the job's owner, who may not.
      this.#readOr('/etc/shadow', ['ENOENT', 'EACCES', 'EPERM'], undefined),
    ]);
    const before: Files = { passwd, group, open: [] };
    const after = edits.reduce((files, { change }) => change(files), before);
    const shadowGid = /^shadow:[^:]*:(\d+):/m.exec(after.group)?.[1];
    const root = { mode: 0o644, uid: 0, gid: 0 };
    const secret = { mode: shadowGid === undefined ? 0o600 : 0o640, uid: 0, gid: Number(shadowGid ?? 0) };
    const accounts = after.passwd !== before.passwd;
    const newShadow =
      accounts || after.open.length > 0 || shadow === undefined ? withShadow(shadow, after.passwd, after.open) : shadow;
    await Promise.all([
      accounts && this.#files.write('/etc/passwd', after.passwd, root),
      after.group !== before.group && this.#files.write('/etc/group', after.group, root),
      newShadow !== shadow && this.#files.write('/etc/shadow', newShadow, secret),
    ]);
  }

  async #readOr<T>(path: string, missing: readonly string[], otherwise: T): Promise<string | T> {
    try {
      return await this.#files.read(path);
    } catch (error) {
      if (error instanceof GuestCallError && missing.includes(error.errno)) return otherwise;
      throw error;
    }
  }
}

function bytesOf(text: string): string {
  return Buffer.from(text).toString('latin1');
}

function latin1<T extends Record<string, string>>(fields: T): T {
  return Object.fromEntries(Object.entries(fields).map(([key, value]) => [key, bytesOf(value)])) as T;
}

/** A name or path must not be able to make lines of its own. */
function check(what: string, names: readonly string[], paths: readonly string[]): void {
  const bad = names.find((name) => !/^[^-+#:,/\s][^:,/\s]*$/.test(name)) ?? paths.find((path) => /[:\n]/.test(path));
  if (bad === undefined) return;
  throw new VtorqueError('E_GUEST_ACCOUNT', `Cannot make the ${what} in the guest: "${bad}" is not possible there`, {
    phase: 'guest',
  });
}

import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { type Account, type Group, withAccount, withGroup, withShadow } from './accounts.ts';
import { GuestCallError } from './connection.ts';
import { Identities } from './identities.ts';

const root = 'root:x:0:0:root:/root:/bin/bash\n';
const alice: Account = { name: 'alice', uid: 1000, gid: 1000, gecos: 'Alice', home: '/home/alice', shell: '/bin/bash' };
const line = 'alice:x:1000:1000:Alice:/home/alice:/bin/bash\n';

test('withAccount() adds an account at the end', () => {
  assert.equal(withAccount(root, alice), root + line);
});

test('withAccount() leaves a right line alone', () => {
  const there = `${root}${line}bob:x:1001:1001::/:/bin/sh\n\n`;
  assert.equal(withAccount(there, alice), there);
});

test('withAccount() replaces a line of the same name', () => {
  assert.equal(withAccount(`alice:x:5:5::/:/bin/false\n${root}`, alice), root + line);
});

test('withAccount() stands before another account of the same uid, so that the uid means this name', () => {
  const debian = 'debian:x:1000:1000::/home/debian:/bin/bash\n';
  assert.equal(withAccount(root + debian + line, alice), root + line + debian);
});

test('withAccount() stands before lines that bring in a directory service', () => {
  assert.equal(withAccount(`${root}+::::::\n`, alice), `${root}${line}+::::::\n`);
});

test('withGroup() leaves a group with more members alone, and replaces one that lacks some', () => {
  const group: Group = { name: 'sim', gid: 500, members: ['alice'] };
  assert.equal(withGroup('sim:x:500:bob,alice,carol\n', group), 'sim:x:500:bob,alice,carol\n');
  assert.equal(withGroup('sim:x:500:alicia\n', group), 'sim:x:500:alice\n');
  assert.equal(withGroup('sim:x:501:alice\n', group), 'sim:x:500:alice\n');
});

test('withShadow() keeps what is there and gives no password to the rest', () => {
  assert.equal(withShadow('root:$6$x:1:::::\n', root + line), 'root:$6$x:1:::::\nalice:*:::::::\n');
  assert.equal(withShadow(undefined, `${root + line}+::::::\n`), 'root:*:::::::\nalice:*:::::::\n');
});

test('withShadow() unlocks who is to log in without a password, and nobody else', () => {
  const shadow = 'alice:!$6$x:1:0::::!\nbob:!:1:::::\ncarol:$6$!:1:::::\n';
  const unlocked = 'alice:*:1:0::::!\nbob:!:1:::::\ncarol:$6$!:1:::::\n';
  assert.equal(withShadow(shadow, '', ['alice', 'carol']), unlocked);
});

test('withAccount() makes a name mean exactly one line and is stable', () => {
  const name = fc.constantFrom('alice', 'bob', 'carol');
  const id = fc.integer({ min: 1000, max: 1002 });
  const accounts = fc.array(
    fc.record({ name, uid: id, gid: id, gecos: fc.string(), home: fc.constant('/'), shell: fc.constant('/bin/sh') }),
    { minLength: 1 },
  );
  fc.assert(
    fc.property(accounts, (list) => {
      let passwd = root;
      for (const account of list) {
        passwd = withAccount(passwd, account);
        assert.equal(withAccount(passwd, account), passwd);
        const lines = passwd.split('\n').map((text) => text.split(':'));
        assert.equal(lines.filter(([of]) => of === account.name).length, 1);
        assert.equal(lines.find(([, , uid]) => uid === String(account.uid))?.[0], account.name);
        assert.ok(passwd.startsWith(root));
      }
    }),
  );
});

/** A guest's files, of which those named cannot be read. */
function filesOf(files: Record<string, string>, unreadable: readonly string[] = []) {
  const writes: string[] = [];
  const identities = new Identities({
    async read(path) {
      if (unreadable.includes(path)) throw new GuestCallError('read', 13, path);
      const text = files[path];
      if (text === undefined) throw new GuestCallError('read', 2, path);
      return text;
    },
    async write(path, text, { mode, gid }) {
      files[path] = text;
      writes.push(`${path} ${mode.toString(8)} ${gid}`);
    },
  });
  return { identities, files, writes };
}

test('Identities makes a new shadow file when the guest cannot read its own', async () => {
  const { identities, files, writes } = filesOf(
    { '/etc/passwd': root, '/etc/group': 'shadow:x:42:\n', '/etc/shadow': 'root:secret:::::::\n' },
    ['/etc/shadow'],
  );
  await identities.ensureAccount(alice);
  assert.equal(files['/etc/shadow'], 'root:*:::::::\nalice:*:::::::\n');
  assert.deepEqual(writes, ['/etc/passwd 644 0', '/etc/shadow 640 42']);
});

test('Identities does edits that come together in one go, and loses none', async () => {
  const { identities, files, writes } = filesOf({});
  await Promise.all([
    identities.ensureGroup({ name: 'sim', gid: 500, members: ['alice'] }),
    identities.ensureGroup({ name: 'alice', gid: 1000, members: [] }),
    identities.ensureAccount(alice),
  ]);
  assert.equal(files['/etc/group'], 'sim:x:500:alice\nalice:x:1000:\n');
  assert.equal(files['/etc/passwd'], line);
  assert.equal(writes.length, 3);
});

test('Identities writes nothing when all is right', async () => {
  const { identities, writes } = filesOf({
    '/etc/passwd': line,
    '/etc/group': 'sim:x:500:alice\n',
    '/etc/shadow': 'alice:*:::::::\n',
  });
  await identities.ensureAccount(alice);
  await identities.ensureGroup({ name: 'sim', gid: 500, members: ['alice'] });
  assert.deepEqual(writes, []);
});

test('Identities keeps bytes of other encodings as they are', async () => {
  const latin = 'bob:x:7:7:B\u00f6b:/:/bin/sh\n';
  const { identities, files } = filesOf({ '/etc/passwd': latin, '/etc/group': '', '/etc/shadow': '' });
  await identities.ensureAccount({ ...alice, gecos: 'Älice' });
  assert.equal(
    files['/etc/passwd'],
    `${latin}alice:x:1000:1000:${Buffer.from('Älice').toString('latin1')}:/home/alice:/bin/bash\n`,
  );
});

test('Identities refuses a name that would make lines of its own', async () => {
  const { identities } = filesOf({});
  for (const name of ['a:b', 'a\nroot::0:0', '', '+', 'a b']) {
    await assert.rejects(identities.ensureAccount({ ...alice, name }), { code: 'E_GUEST_ACCOUNT' });
  }
});

// A guest may do on the host what its user may do there, and no more, whoever is root in it.
import assert from 'node:assert/strict';
import { chmod, chown, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { publicRoot } from '../src/site/public-root.ts';
import { execute } from './support/cluster.ts';
import { ensureImage } from './support/images.ts';
import { expectNoResidue, lookForResidue, type Residue } from './support/residue.ts';
import { aUser, isRoot, type TestUser } from './support/users.ts';

const skip = isRoot ? false : 'needs root, to make a second user whose files the guest must not reach';

describe('root inside a guest', { skip }, () => {
  let clean: Residue;
  let user: TestUser;
  let other: TestUser;
  let shared: string;

  before(async () => {
    await ensureImage('debian-12');
    clean = await lookForResidue();
    [user, other] = [aUser(), aUser()];
    // A directory that both may enter, and that the guest gets as its working directory.
    shared = await mkdtemp(join(tmpdir(), 'vtt-shared-'));
    await chmod(shared, 0o755);
    const give = async (path: string, owner: TestUser, mode: number): Promise<void> => {
      await chown(path, owner.uid, owner.gid);
      await chmod(path, mode);
    };
    await mkdir(join(shared, 'mine'));
    await give(join(shared, 'mine'), user, 0o755);
    await mkdir(join(shared, 'others'));
    await writeFile(join(shared, 'others', 'secret'), 'the secret of another user');
    await give(join(shared, 'others', 'secret'), other, 0o600);
    await give(join(shared, 'others'), other, 0o755);
    await writeFile(join(shared, 'of-root'), 'the secret of root');
    await chmod(join(shared, 'of-root'), 0o600);
    await writeFile(join(shared, 'nodefile'), 'node1\n');
  });

  after(async () => {
    await rm(shared, { recursive: true, force: true });
    user[Symbol.dispose]();
    other[Symbol.dispose]();
    await expectNoResidue(clean);
  });

  /** Run a script as root of a guest of `user`, and return what it printed. */
  async function asGuestRoot(img: string, script: string): Promise<string> {
    const root = await publicRoot();
    const env = {
      ...{ PATH: '/usr/bin:/bin:/usr/sbin:/sbin', HOME: user.home, USER: user.name, SHELL: '/bin/bash' },
      ...{ PBS_JOBID: '1.test', PBS_NODEFILE: join(shared, 'nodefile'), PBS_O_WORKDIR: shared },
    };
    const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
    const program = [join(root, 'scripts/node'), join(root, 'test/support/guest-root.ts'), img, script];
    const { stdout, stderr } = await execute([...user.become, 'env', ...variables, ...program], { cwd: user.home });
    assert.equal(stderr, '');
    return stdout;
  }

  for (const img of ['host', 'debian-12']) {
    test(`img=${img}: reads no file and enters no directory that its user may not`, async () => {
      const told = await asGuestRoot(
        img,
        [
          ...['id -u', `cat ${shared}/others/secret`, `cat ${shared}/of-root`],
          // Again as the owner himself: guest root can be anybody inside.
          `setpriv --reuid ${other.uid} --clear-groups cat ${shared}/others/secret`,
          ...[`ls ${other.home}`, 'echo "passwords: $(grep -c "[$]" /etc/shadow)"', 'cat /lower/etc/shadow'],
          // What its user may read it does reach: the rest is not refused for want of the directory.
          `cat ${shared}/nodefile`,
        ].join('; '),
      );
      assert.match(told, /^0\n/);
      assert.match(told, /^node1$/m);
      assert.doesNotMatch(told, /the secret of/);
      // Nobody's password is in a file that the guest can read.
      assert.match(told, /^passwords: 0$/m);
    });

    test(`img=${img}: writes nothing where its user may not`, async () => {
      const attempts = [
        `echo x > ${shared}/others/planted`,
        `echo x > ${shared}/planted`,
        `echo x >> ${shared}/others/secret`,
        `rm -f ${shared}/others/secret`,
        `mv ${shared}/others ${shared}/moved`,
        `cp /bin/sh ${shared}/mine/shell; chown 0:0 ${shared}/mine/shell; chmod 6755 ${shared}/mine/shell`,
        `setpriv --reuid ${other.uid} --clear-groups sh -c 'echo x > ${shared}/others/planted'`,
        `mknod ${shared}/mine/disk b 254 0`,
        'sync',
      ];
      // As the guest's root, whose new files no share takes, and as the user, whose it does.
      const script = attempts.join('; ');
      const asUser = `setpriv --reuid ${user.uid} --regid ${user.gid} --clear-groups sh -c '${script.replaceAll("'", "'\\''")}'`;
      await asGuestRoot(img, `${script}; ${asUser}`);
      assert.deepEqual((await readdir(shared)).sort(), ['mine', 'nodefile', 'of-root', 'others']);
      assert.deepEqual(await readdir(join(shared, 'others')), ['secret']);
      assert.equal(await readFile(join(shared, 'others', 'secret'), 'utf8'), 'the secret of another user');
      assert.ok((await readdir(join(shared, 'mine'))).includes('shell'), 'what the user may write it can write');
      // What it could make in the user's own directory is the user's, and no device.
      const { stdout } = await execute(
        ['find', join(shared, 'mine'), '(', '!', '-user', user.name, '-o', '-type', 'b', ')'],
        {},
      );
      assert.equal(stdout, '');
    });
  }
});

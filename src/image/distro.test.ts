import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkDistro, distroIn, distroOf } from './distro.ts';
import type { ImageGuest } from './types.ts';

test('checkDistro() takes what it is, by any of its names, and nothing else', () => {
  checkDistro('debian', 'a', 'debian');
  checkDistro('redhat', 'a', 'rhel');
  assert.throws(() => checkDistro('redhat', 'a', 'debian'), {
    code: 'E_IMAGE_DISTRO',
    message: 'Cannot use image "a" with distro=redhat: it is debian',
  });
  assert.throws(() => checkDistro('debian', 'a', 'unknown'), { message: /its distribution is not known$/ });
});

test('distroIn() finds the ID of an os-release, with quotes and without', () => {
  assert.equal(distroIn('NAME="Debian GNU/Linux"\nVERSION_ID="12"\nID=debian\n'), 'debian');
  assert.equal(distroIn('ID="rhel"\nID_LIKE="fedora"\n'), 'rhel');
  assert.equal(distroIn(''), 'unknown');
});

test('distroOf() calls the distribution of a guest as distro= does, and says nothing where nobody knows', async () => {
  const of = (distro: string | undefined) =>
    ({ kind: 'disk', ...(distro === undefined ? {} : { distro }) }) as ImageGuest;
  assert.equal(await distroOf(of('RHEL')), 'redhat');
  assert.equal(await distroOf(of('unknown')), undefined);
  assert.equal(await distroOf(of(undefined)), undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { recipes } from '../recipes/index.ts';
import { type AptSource, linesFor, parseTargets, signedByOf } from './sources.ts';

const [recipe] = recipes;
assert.ok(recipe);

const aSource = (change: Partial<AptSource>): AptSource => ({
  uri: 'http://mirror.example/packages/',
  codename: 'bookworm',
  label: 'Debian',
  signedBy: undefined,
  ...change,
});
const security = aSource({
  uri: 'http://mirror.example/security/',
  codename: 'bookworm-security',
  label: 'Debian-Security',
});

test('linesFor() takes release, updates and security from where the machine takes them', () => {
  assert.deepEqual(linesFor(recipe, [aSource({}), aSource({ codename: 'bookworm-updates' }), security]), [
    'deb http://mirror.example/packages/ bookworm main',
    'deb http://mirror.example/packages/ bookworm-updates main',
    'deb http://mirror.example/security/ bookworm-security main',
  ]);
});

test('linesFor() finds the release beside that of the machine', () => {
  const lines = linesFor(recipe, [aSource({ codename: 'trixie', signedBy: '/keys/debian.pgp' })]);
  assert.equal(lines[0], 'deb [signed-by=/keys/debian.pgp] http://mirror.example/packages/ bookworm main');
});

test('linesFor() prefers a source that is known to have the release', () => {
  const trixie = aSource({ uri: 'http://other.example/', codename: 'trixie' });
  assert.match(linesFor(recipe, [trixie, aSource({})])[0] ?? '', /mirror\.example/);
});

test('linesFor() finds nothing when only security updates, other packages or a disc are there', () => {
  const disc = aSource({ uri: 'cdrom:[Debian 12]/' });
  assert.deepEqual(linesFor(recipe, [security, aSource({ label: 'Other' }), disc]), []);
});

test('parseTargets() reads the paragraphs of apt-get indextargets', () => {
  const [first, second] = parseTargets('Label: Debian\nRepo-URI: http://a/\nFallback-Of: \n\nLabel: Debian-Security\n');
  assert.equal(first?.get('Repo-URI'), 'http://a/');
  assert.equal(second?.get('Label'), 'Debian-Security');
});

test('signedByOf() finds the key file in both kinds of source files', () => {
  const sources = '# a comment\n\nTypes: deb\nSigned-By: /keys/one.gpg\n\nTypes: deb\nSigned-By: /keys/two.gpg\n';
  assert.equal(signedByOf(sources, 2, true), '/keys/two.gpg');
  const list = '# a comment\ndeb [arch=amd64 signed-by=/keys/three.asc] http://a/ b main\ndeb http://a/ c main\n';
  assert.equal(signedByOf(list, 2, false), '/keys/three.asc');
  assert.equal(signedByOf(list, 3, false), undefined);
});

test('signedByOf() takes no key that stands in the source file itself', () => {
  assert.equal(signedByOf('Types: deb\nSigned-By:\n -----BEGIN PGP PUBLIC KEY BLOCK-----\n', 1, true), undefined);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatted, renderPage } from './roff.ts';

test('text cannot become a command of the formatter', () => {
  assert.equal(formatted('.so /etc/passwd'), '\\&.so /etc/passwd');
  assert.equal(formatted("'quoted' \\fR"), '\\(aqquoted\\(aq \\efR');
});

test('what stands in backquotes is bold, and a hyphen can be copied', () => {
  assert.equal(formatted('see `vtorque local` and -vm'), 'see \\fBvtorque local\\fR and \\-vm');
});

test('a page has the line that whatis reads, its sections, terms and lines of code', () => {
  const sections = [{ title: 'OPTIONS', blocks: [{ items: [['-x', 'what']] as const }, { code: ['.a', 'b'] }] }];
  assert.deepEqual(
    renderPage({ name: 'vsub', section: 1, purpose: 'submit', version: 'vtorque 1', sections }).split('\n').slice(1),
    [
      ...['.TH VSUB 1 "" "vtorque 1" "vTorque"', '.nh', '.ad l', '.SH NAME', 'vsub \\- submit', '.SH OPTIONS'],
      ...['.TP', '\\fB\\-x\\fR', 'what', '.PP', '.RS 4', '.nf', '\\&.a', 'b', '.fi', '.RE', ''],
    ],
  );
});

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import { test } from 'node:test';

const source = import.meta.dirname;

/** The rooms in the order of docs/architecture.md, by which each may use those behind it. */
function roomsInOrder(): string[] {
  const page = readFileSync(join(source, '../docs/architecture.md'), 'utf8');
  return page
    .split('\n')
    .filter((line) => line.startsWith('| `src/'))
    .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`src\/(\w+)`/g)].map(([, room = '']) => room));
}

/** Rooms that a file imports from, as `cli -> job`. */
function arrowsOf(file: string): string[] {
  const room = file.split(sep)[0] ?? '';
  const text = readFileSync(join(source, file), 'utf8');
  const targets = [...text.matchAll(/(?:from|import\() ?'(\.[^']*)'/g)].map(([, path = '']) => join(file, '..', path));
  const rooms = targets.filter((path) => !path.startsWith('..')).map((path) => path.split(sep)[0] ?? '');
  return rooms.filter((other) => other !== room).map((other) => `${room} -> ${other}`);
}

test('every room is in docs/architecture.md and uses only rooms behind it there', () => {
  const order = roomsInOrder();
  const files = globSync('*/**/*.{ts,mjs}', { cwd: source }).map((file) => relative(source, join(source, file)));
  assert.deepEqual([...order].sort(), [...new Set(files.map((file) => file.split(sep)[0]))].sort());
  const arrows = new Set(files.flatMap(arrowsOf));
  assert.ok(arrows.size > 20, 'imports are found');
  const backwards = [...arrows].filter((arrow) => {
    const [from = '', to = ''] = arrow.split(' -> ');
    return order.indexOf(to) <= order.indexOf(from);
  });
  assert.deepEqual(backwards, []);
});

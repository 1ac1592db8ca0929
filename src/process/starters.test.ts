import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';

const source = join(import.meta.dirname, '..');

/** The compiler makes the program by which all others are tied to this process. */
const allowed = ['process/compile.ts', 'process/start.ts'];

test('all that vTorque starts is started in start.ts, but for the compiler', () => {
  const files = globSync('**/*.{ts,mjs}', { cwd: source }).filter((file) => !/(\.test|testing)\.ts$/.test(file));
  const starting = files.filter((file) =>
    /['"](node:)?child_process['"]/.test(readFileSync(join(source, file), 'utf8')),
  );
  assert.deepEqual(starting.sort(), allowed);
});

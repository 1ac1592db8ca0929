import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { VtorqueError } from '../../base/index.ts';
import { lockInstance, Store } from './store.ts';
import { aJob } from './test-builders.ts';

function aDirectory(): { path: string } & Disposable {
  const path = mkdtempSync(join(tmpdir(), 'vtt-store-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test('a Store gives back what was saved, in the order of submission, arrays before their elements', () => {
  using directory = aDirectory();
  const path = join(directory.path, 'jobs.sqlite');
  const array = [
    aJob({ sequence: 10, element: 'all', indexes: [2, 11] }),
    aJob({ sequence: 10, element: 2 }),
    aJob({ sequence: 10, element: 11 }),
  ];
  const job = aJob({ sequence: 9 });
  {
    using store = new Store(path);
    for (const jobs of [array, [job]]) store.add(jobs[0]?.submission ?? assert.fail(), jobs);
    store.save(Object.assign(job, { state: 'C', exitStatus: 271 }));
  }
  using store = new Store(path);
  assert.deepEqual(store.load(), [job, ...array]);
  store.remove(10);
  assert.deepEqual(store.load(), [job]);
});

test('a Store never gives a number twice, and keeps the first value of a setting', () => {
  using directory = aDirectory();
  const path = join(directory.path, 'jobs.sqlite');
  const numbers: number[] = [];
  for (let i = 0; i < 3; i++) {
    using store = new Store(path);
    numbers.push(store.nextSequence(), store.nextSequence());
    assert.equal(store.setting('server', `host${i}`), 'host0');
  }
  assert.deepEqual(numbers, [1, 2, 3, 4, 5, 6]);
});

test('the lock of an instance is given once, and again after its release', () => {
  using directory = aDirectory();
  const path = join(directory.path, 'lock.sqlite');
  {
    using _ = lockInstance(path);
    assert.throws(
      () => lockInstance(path),
      (error: unknown) => error instanceof VtorqueError && error.code === 'E_LOCAL_RUNNING',
    );
  }
  lockInstance(path)[Symbol.dispose]();
});

test('a file that is none of ours is told as that, and not as another daemon’s', () => {
  using directory = aDirectory();
  const path = join(directory.path, 'jobs.sqlite');
  writeFileSync(path, 'no database, and long enough to be looked at as one'.repeat(100));
  for (const use of [() => new Store(path), () => lockInstance(path)])
    assert.throws(use, { code: 'E_LOCAL_STATE', message: /jobs\.sqlite": file is not a database$/, hint: /--dir/ });
});

import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { shapeOf } from './shape.ts';

function aStore() {
  const settings = new Map<string, string>();
  return {
    setting: (name: string, first: string) => settings.get(name) ?? first,
    setSetting: (name: string, value: string) => void settings.set(name, value),
  };
}

test('an instance that was never told otherwise has one node with a slot for each processor', () => {
  assert.deepEqual(shapeOf(aStore(), {}), { nodes: 1, np: availableParallelism(), keepCompletedS: 3600 });
});

test('an instance keeps what it was started with, each option until another value is given', () => {
  const store = aStore();
  shapeOf(store, { nodes: ['a.example', 'b.example'], np: 3, keepCompletedS: undefined });
  assert.deepEqual(shapeOf(store, {}), { nodes: ['a.example', 'b.example'], np: 3, keepCompletedS: 3600 });
  assert.deepEqual(shapeOf(store, { nodes: 4, keepCompletedS: 0 }), { nodes: 4, np: 3, keepCompletedS: 0 });
  assert.deepEqual(shapeOf(store, {}), { nodes: 4, np: 3, keepCompletedS: 0 });
});

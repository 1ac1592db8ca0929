import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GuestAgent } from '../../guest/linux/index.ts';
import { ownBootId } from './boot-id.ts';

function bootIdOf(): { text: string; target: string } {
  const seen = { text: '', target: '' };
  const agent = {
    writeFile: async (_: string, text: string) => void Object.assign(seen, { text }),
    mount: async ({ target }: { target: string }) => void Object.assign(seen, { target }),
  };
  ownBootId(agent as unknown as GuestAgent, () => {});
  return seen;
}

test("ownBootId() puts another one over the kernel's each time, in the form that the kernel has", () => {
  const [one, other] = [bootIdOf(), bootIdOf()];
  assert.match(one.text, /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\n$/);
  assert.notEqual(one.text, other.text);
  assert.equal(one.target, '/proc/sys/kernel/random/boot_id');
});

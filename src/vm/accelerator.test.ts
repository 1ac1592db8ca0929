import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { VtorqueError } from '../base/index.ts';
import { chooseAccelerator } from './accelerator.ts';
import { qemuProgram } from './program.ts';

async function withCache(use: (cache: string) => Promise<void>): Promise<void> {
  const cache = await mkdtemp(join(tmpdir(), 'vtorque-test-'));
  try {
    await use(cache);
  } finally {
    await rm(cache, { recursive: true });
  }
}

const files = { kernel: '/k/vmlinux', initrd: '/k/initrd', path: '/usr/bin' };

test('chooseAccelerator() translates when the device cannot be opened, and boots nothing', async () => {
  const boot = async (): Promise<void> => assert.fail('booted');
  const choice = await chooseAccelerator({ ...files, caches: [], boot, device: '/dev/there-is-none' });
  assert.equal(choice.accelerator, 'tcg');
  assert.match(choice.reason, /there-is-none/);
});

test('chooseAccelerator() uses KVM when a guest boots with it, and asks once', () =>
  withCache(async (cache) => {
    let boots = 0;
    const boot = async (): Promise<void> => {
      boots++;
    };
    const deps = { ...files, caches: [cache], boot, device: '/dev/null' };
    assert.equal((await chooseAccelerator(deps)).accelerator, 'kvm');
    assert.equal((await chooseAccelerator(deps)).accelerator, 'kvm');
    assert.equal(boots, 1);
  }));

test('chooseAccelerator() translates when the guest hangs, and says why', () =>
  withCache(async (cache) => {
    const boot = (): Promise<void> => Promise.reject(new Error('its agent did not answer within 5 s'));
    const choice = await chooseAccelerator({ ...files, caches: [cache], boot, device: '/dev/null' });
    assert.equal(choice.accelerator, 'tcg');
    assert.match(choice.reason, /did not answer/);
  }));

test('chooseAccelerator() takes the silence of a guest for an answer only for a while', (t) =>
  withCache(async (cache) => {
    t.mock.timers.enable({ apis: ['Date'], now: 1_000_000 });
    const hangs = (): Promise<void> => Promise.reject(new VtorqueError('E_GUEST_TIMEOUT', 'no answer'));
    const deps = { ...files, caches: [cache], device: '/dev/null' };
    await chooseAccelerator({ ...deps, boot: hangs });
    t.mock.timers.setTime(1_000_000 + 3_500_000);
    assert.equal((await chooseAccelerator({ ...deps, boot: async () => {} })).accelerator, 'tcg');
    t.mock.timers.setTime(1_000_000 + 3_700_000);
    assert.equal((await chooseAccelerator({ ...deps, boot: async () => {} })).accelerator, 'kvm');
  }));

test('chooseAccelerator() asks again for another kernel', () =>
  withCache(async (cache) => {
    const fails = (): Promise<void> => Promise.reject(new Error('aborted'));
    const boots = (): Promise<void> => Promise.resolve();
    await chooseAccelerator({ ...files, caches: [cache], boot: fails, device: '/dev/null' });
    const choice = await chooseAccelerator({
      ...files,
      kernel: '/k/2',
      caches: [cache],
      boot: boots,
      device: '/dev/null',
    });
    assert.equal(choice.accelerator, 'kvm');
  }));

test('chooseAccelerator() asks again for another QEMU, wherever that is', () =>
  withCache(async (cache) => {
    const programs = join(cache, 'bin');
    const deps = { ...files, caches: [cache], device: '/dev/null', path: `${programs}:/usr/bin` };
    await chooseAccelerator({ ...deps, boot: () => Promise.reject(new Error('aborted')) });
    await mkdir(programs);
    await writeFile(join(programs, qemuProgram), 'a newer one');
    assert.equal((await chooseAccelerator({ ...deps, boot: async () => {} })).accelerator, 'kvm');
  }));

test('chooseAccelerator() remembers nothing of a probe whose job was cancelled', () =>
  withCache(async (cache) => {
    const cancel = new AbortController();
    const cancelled = async (): Promise<void> => {
      cancel.abort(new Error('cancelled'));
      throw cancel.signal.reason;
    };
    const deps = { ...files, caches: [cache], device: '/dev/null' };
    await assert.rejects(chooseAccelerator({ ...deps, boot: cancelled, signal: cancel.signal }), /cancelled/);
    assert.equal((await chooseAccelerator({ ...deps, boot: async () => {} })).accelerator, 'kvm');
  }));

test('chooseAccelerator() does not fail where nothing can be remembered', async () => {
  const deps = { ...files, caches: ['/dev/null/cache'], boot: async () => {}, device: '/dev/null' };
  assert.equal((await chooseAccelerator(deps)).accelerator, 'kvm');
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { text } from 'node:stream/consumers';
import { after, before, test } from 'node:test';
import type { ServeSpec } from './calls.ts';
import { builtAgent, freePort, hasEnded, path as PATH, runningAgent } from './testing.ts';

let built: Awaited<ReturnType<typeof builtAgent>>;
before(async () => {
  built = await builtAgent({ sanitize: true });
});
after(() => built[Symbol.asyncDispose]());

const start = () => runningAgent([built.path]);

async function serverOf(script: string): Promise<ServeSpec> {
  const program = { argv: ['/bin/sh', '-c', script], env: { PATH } };
  return { address: '127.0.0.1', port: await freePort(), program };
}

async function client({ port, address }: ServeSpec): Promise<Socket> {
  const socket = connect({ port, host: address, allowHalfOpen: true });
  await once(socket, 'connect');
  return socket;
}

test('each connection has a program of its own as its other end', async () => {
  await using guest = await start();
  const spec = await serverOf('read -r line; echo "$line $MORE"; cat >&2');
  await guest.agent.serve({ ...spec, program: { ...spec.program, env: { PATH, MORE: 'more' }, umask: 0o077 } });
  const answers = Array.from({ length: 40 }, async (_, i) => {
    const socket = await client(spec);
    socket.end(`line ${i}\nrest`);
    assert.equal(await text(socket), `line ${i} more\n`);
  });
  await Promise.all(answers);
});

test('a program that cannot be started, or a place that cannot be had, is told', async () => {
  await using guest = await start();
  const spec = await serverOf('true');
  const serve = (changed: Partial<ServeSpec>) => guest.agent.serve({ ...spec, ...changed });
  await assert.rejects(serve({ program: { argv: ['/no/such'] } }), { errno: 'ENOENT' });
  await assert.rejects(serve({ program: { argv: ['/etc/passwd'] } }), { errno: 'EACCES' });
  await assert.rejects(serve({ program: { argv: ['sh'] } }), { errno: 'EINVAL' });
  await assert.rejects(serve({ address: 'localhost' }), { errno: 'EINVAL' });
  await assert.rejects(serve({ port: 0 }), { errno: 'EINVAL' });
  await serve({});
  await assert.rejects(serve({}), { errno: 'EADDRINUSE' });
  for (let i = 0; i < 3; i++) await serve({ port: await freePort() });
  await assert.rejects(serve({ port: await freePort() }), { errno: 'ENOBUFS' });
});

test('a program that fails on its way to its start ends its connection', async () => {
  await using guest = await start();
  const spec = await serverOf('echo never');
  const limits = [{ resource: 'nofile', soft: 2, hard: 1 }] as const;
  await guest.agent.serve({ ...spec, program: { ...spec.program, limits } });
  assert.equal(await text(await client(spec)), '');
});

test('a new session ends servers and what they have started', async () => {
  await using guest = await start();
  const spec = await serverOf('echo $$; exec sleep 60');
  await guest.agent.serve(spec);
  const socket = await client(spec);
  const [line] = (await once(socket, 'data')) as [Buffer];
  await guest.agent.terminate(5000);
  await hasEnded(Number(line));
  const second = await client(spec);
  const [other] = (await once(second, 'data')) as [Buffer];
  guest.agent.close();
  await hasEnded(Number(other));
  await assert.rejects(client(spec), { code: 'ECONNREFUSED' });
});

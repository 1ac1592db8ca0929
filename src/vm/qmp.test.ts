import assert from 'node:assert/strict';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { QmpClient } from './qmp.ts';

/** A client, and the other side of its connection with what it has been sent so far. */
function connected() {
  const [ours, qemu] = duplexPair();
  const sent: { execute: string; id: number }[] = [];
  qemu.setEncoding('utf8');
  const arrivals: ((count: number) => void)[] = [];
  qemu.on('data', (text: string) => {
    for (const line of text.trim().split('\n')) sent.push(JSON.parse(line));
    for (const wake of arrivals) wake(sent.length);
  });
  const received = (count: number): Promise<void> =>
    new Promise((resolve) => {
      const check = (have: number): void => {
        if (have >= count) resolve();
      };
      arrivals.push(check);
      check(sent.length);
    });
  return { client: new QmpClient(ours), qemu, sent, received };
}

test('QmpClient matches answers by id, with events in between', async () => {
  const { client, qemu, received } = connected();
  const [first, second] = [client.execute('query-a'), client.execute('query-b')];
  await received(2);
  qemu.write('{"event":"RESUME"}\n{"return":"b","id":2}\n{"return":');
  qemu.write('"a","id":1}\n');
  assert.deepEqual(await Promise.all([first, second]), ['a', 'b']);
});

test('QmpClient tells of the first event that fits', async () => {
  const { client, qemu } = connected();
  const stopped = client.event('BLOCK_IO_ERROR', ({ action }) => action === 'stop');
  qemu.write('{"event":"STOP"}\n{"event":"BLOCK_IO_ERROR","data":{"action":"report"}}\n');
  qemu.write('{"event":"BLOCK_IO_ERROR","data":{"action":"stop","nospace":true}}\n');
  assert.deepEqual(await stopped, { action: 'stop', nospace: true });
});

test('QmpClient leaves negotiation mode after the greeting', async () => {
  const { client, qemu, sent, received } = connected();
  const ready = client.negotiate();
  qemu.write('{"QMP":{}}\n');
  await received(1);
  qemu.write('{"return":{},"id":1}\n');
  await ready;
  assert.equal(sent[0]?.execute, 'qmp_capabilities');
});

test('QmpClient rejects with what QEMU says', async () => {
  const { client, qemu, received } = connected();
  const answer = client.execute('device_add');
  await received(1);
  qemu.write('{"error":{"class":"GenericError","desc":"no such bus"},"id":1}\n');
  await assert.rejects(answer, { code: 'E_QMP', message: /"device_add": no such bus/ });
});

test('QmpClient rejects what is open, and what comes later, when QEMU goes away', async () => {
  const { client, qemu } = connected();
  const answer = client.execute('query-status');
  qemu.end();
  await assert.rejects(answer, { code: 'E_QMP' });
  await assert.rejects(client.execute('query-status'), { code: 'E_QMP' });
});

test('QmpClient takes what is no message for the end of its QEMU', async () => {
  for (const odd of ['{"return": \n', 'null\n']) {
    const { client, qemu, received } = connected();
    const answer = client.execute('cont');
    await received(1);
    qemu.write(odd);
    await assert.rejects(answer, {
      code: 'E_QMP',
      message: /^Cannot run QEMU command "cont": QEMU does not speak its protocol: /,
    });
    await assert.rejects(client.execute('stop'), { code: 'E_QMP' });
  }
});

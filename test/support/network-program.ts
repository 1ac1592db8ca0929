// A job's network with all its processes, held until this process is killed: prints their ids.
import { spawn } from 'node:child_process';
import { listenForTrunks, startJobNetwork } from '../../src/network/index.ts';

const secret = { secret: 'of the test', scope: ['test'] };
const listener = await listenForTrunks(secret, { host: '127.0.0.1', here: 0 });
const network = await startJobNetwork({
  ...{ subnet: { base: 0xac1f0000, prefix: 24 }, here: 0, ranks: [0], outbound: true, mtu: 1500 },
  others: { peers: [{ node: 1, ranks: [1], hosts: ['127.0.0.1'], port: 1 }], listener, secret },
  env: { PATH: '/usr/local/bin:/usr/bin:/bin' },
});
const [first, ...before] = network.nic(0, 6).before;
const vm = spawn(first, [...before, 'sleep', '600'], { stdio: 'ignore' });
process.stdout.write(`${JSON.stringify({ uid: process.getuid?.(), vm: vm.pid, facts: network.facts })}\n`);
setInterval(() => {}, 60_000);

// Run as an ordinary user by the isolation tests: starts this user's guest as the launcher would, runs a shell script
// in it as the guest's root, and prints what that did. What a malicious image could do, this does.
import { readJobContext } from '../../src/job/context.ts';
import { startJobGuest } from '../../src/job/job-guest.ts';
import { placesToRead } from '../../src/site/index.ts';

const [img = 'host', script = 'true'] = process.argv.slice(2);
const context = await readJobContext();
await using guest = await startJobGuest({
  context,
  places: placesToRead(context.env, context.owner.uid),
  submission: {
    request: { img, vcpus: 1, ram: 512 * 1024 ** 2 },
    script: Buffer.from(''),
    scriptName: 'none',
    variables: { names: [], all: false },
  },
  scriptPath: '/none',
  hooks: {
    ...{ directory: '', user: {}, job: { resources: '', account: '' }, logs: '/none' },
    limits: { prologue: 1, epilogue: 1, precancel: 1 },
  },
  reports: { log: () => {}, ended: () => {} },
  record: () => {},
  signal: AbortSignal.timeout(300_000),
  ssh: undefined,
});
const shell = guest.machine.agent.exec({
  argv: ['/bin/sh', '-c', script],
  env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin' },
  uid: 0,
  gid: 0,
  groups: [],
});
shell.stdout.pipe(process.stdout);
shell.stderr.pipe(process.stdout);
await shell.exit;

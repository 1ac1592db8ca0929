// The demonstration: starts the embedded batch system if none runs, and runs a real batch job in a real VM.
// As root it does the second part as an ordinary user, since batch systems refuse root's jobs.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { renderError } from '../src/cli/render-error.ts';
import { publicRoot } from '../src/site/public-root.ts';
import { runDemoJob } from './demo/job.ts';
import { demoUser } from './demo/user.ts';

try {
  process.exitCode = process.getuid?.() === 0 ? await asRoot() : await asUser();
} catch (error) {
  const { text, exitCode } = renderError(error, { program: 'demo' });
  process.stderr.write(text);
  process.exitCode = exitCode;
}

async function asRoot(): Promise<number> {
  const root = await publicRoot();
  startBatchSystem(root);
  const user = demoUser();
  process.stdout.write(`submitting as user "${user.name}" (uid ${user.uid}), since batch systems refuse root\n`);
  // Ctrl-C goes to the whole terminal group: the user's part ends its job and says so, and we end with it.
  process.on('SIGINT', () => {});
  const { status, signal } = spawnSync(
    'setpriv',
    [
      ...['--reuid', String(user.uid), '--regid', String(user.gid), '--init-groups', '--reset-env', '--'],
      ...[join(root, 'scripts/node'), join(root, 'scripts/demo.ts'), '--submit'],
    ],
    { cwd: user.home, stdio: 'inherit' },
  );
  return status ?? (signal === 'SIGINT' ? 130 : 1);
}

async function asUser(): Promise<number> {
  const root = await publicRoot();
  // With --submit, root has done so already.
  if (!process.argv.includes('--submit')) startBatchSystem(root);
  return runDemoJob(root);
}

/** Does nothing when one runs: `vtorque local start` says so and is content. */
function startBatchSystem(root: string): void {
  const { status } = spawnSync(join(root, 'bin/vtorque'), ['local', 'start'], { stdio: 'inherit' });
  if (status !== 0) process.exit(status ?? 1);
}

import { copyFileSync, mkdtempSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { messageOf, shellWord, VtorqueError } from '../../base/index.ts';
import { currentDirectory } from '../../engine/directories.ts';
import type { Explained, Explanation } from './explanation.ts';
import { commandText } from './explanation-text.ts';
import type { PreparedJob } from './prepare.ts';

/**
 * Write all that would be submitted and started into a new directory here.
 * @returns the explanation with the directory and the names of its files
 * @throws VtorqueError `E_DRY_RUN` when it cannot be written
 */
export function writeDryRun(job: PreparedJob, { explanation, preview }: Explained): Explanation {
  const directory = newDirectory(job.scriptName);
  const files: string[] = [];
  const write = (name: string, content: string | Buffer): void => {
    writeFileSync(join(directory, name), content);
    files.push(name);
  };
  try {
    write(job.scriptName, job.launcher);
    write('qsub.txt', `${submitLine(job, join(directory, job.scriptName))}\n`);
    if (preview !== undefined) {
      write('qemu.txt', `${commandText(preview.qemu)}\n`);
      if (preview.spec.boot.kind === 'disk') {
        copyFileSync(preview.spec.boot.seed, join(directory, 'seed.iso'));
        files.push('seed.iso');
      }
    }
    const result = { ...explanation, dryRun: { directory, files: [...files, 'explain.json'] } };
    write('explain.json', `${JSON.stringify(result, undefined, 2)}\n`);
    return result;
  } catch (cause) {
    throw failure(directory, cause);
  }
}

function newDirectory(scriptName: string): string {
  const prefix = join(currentDirectory(), `${scriptName}.dry-run-`);
  try {
    return mkdtempSync(prefix);
  } catch (cause) {
    throw failure(`${prefix}XXXXXX`, cause);
  }
}

function failure(directory: string, cause: unknown): VtorqueError {
  return new VtorqueError('E_DRY_RUN', `Cannot write "${directory}": ${messageOf(cause)}`, {
    hint: 'Go to a directory where you may write, or use --explain',
    phase: 'check',
    cause,
  });
}

/** The command that would submit the job; a script on standard input is one again. */
function submitLine({ engine, argv, scriptAt }: PreparedJob, launcher: string): string {
  const words = [engine?.qsub ?? 'qsub', ...argv.map((word, at) => (at === scriptAt ? launcher : word))];
  return `${words.map(shellWord).join(' ')}${scriptAt === undefined ? ` < ${shellWord(launcher)}` : ''}`;
}

import { readFile } from 'node:fs/promises';
import { Command } from 'commander';
import { fileReason, VtorqueError } from '../base/index.ts';
import { describeOrigin } from '../request/index.ts';
import type { ConfigProblem, Effective, SiteConfig, Where } from '../site/config/index.ts';
import { table } from './table.ts';

// Loaded by the commands that use it, so that the others start without it.
const room = () => import('../site/config/index.ts');

interface ShowOptions {
  readonly queue?: string;
  readonly node?: string;
  readonly json?: boolean;
}

/** `vtorque config`: the site's configuration. */
export function configCommand(): Command {
  const command = new Command('config').description("show and check the site's configuration");
  command
    .command('show')
    .description('print every value that holds, and where it comes from')
    .option('--queue <queue>', 'as it holds for jobs of this queue')
    .option('--node <node>', 'as it holds on this node')
    .option('--json', 'print it as JSON')
    .action(async (options: ShowOptions) => {
      const { loadConfig } = await room();
      const config = await loadConfig(process.env, process.getuid?.() ?? 0);
      process.stdout.write(
        options.json ? `${JSON.stringify(configAsData(config, options))}\n` : await showConfig(config, options),
      );
    });
  command
    .command('check')
    .description('find every mistake in a configuration file')
    .argument('[file]', 'another file than that of the site')
    .option('--json', 'print it as JSON')
    .action(async (file: string | undefined, { json = false }: { json?: boolean }) => {
      process.exitCode = await check(file, json);
    });
  command
    .command('import')
    .description('translate the config.sh of vTorque 2018, which is read, not executed')
    .argument('<file>', 'config.sh')
    .option('--json', 'print it as JSON')
    .action(importOld);
  return command;
}

/**
 * The values that hold, with their origins, as data: `{file, queue, node, values, defaults, overrides}`.
 */
export function configAsData(config: SiteConfig, { queue, node }: Where): Record<string, unknown> {
  return {
    file: config.file ?? null,
    ...(queue === undefined ? {} : { queue }),
    ...(node === undefined ? {} : { node }),
    values: config.all({ queue, node }).map(({ name, value, origin }) => ({ key: name, value, origin })),
    defaults: config.defaults(queue).map(({ key, text, origin }) => ({ key, value: text, origin })),
    overrides: config.holders(),
  };
}

/** The same for people: a table of the keys, their values and origins. */
export async function showConfig(config: SiteConfig, { queue, node }: Where): Promise<string> {
  const { configKey, systemConfigFile } = await room();
  const rows = config
    .all({ queue, node })
    .map((each) => [...[each.name, configKey(each.name as never).type.write(each.value)], origin(each)]);
  const defaults = config
    .defaults(queue)
    .map(({ key, text, origin: from }) => [`defaults.${key}`, JSON.stringify(text), describeOrigin(from)]);
  const special = config
    .holders()
    .map((holder) =>
      holder.kind === 'queue' ? `--queue ${holder.name}` : holder.kind === 'node' ? `--node '${holder.pattern}'` : '',
    );
  const first = config.file === undefined ? `There is no ${systemConfigFile}: all is as built in.\n\n` : '';
  const more = special.length === 0 ? '' : `\nThere are other values for: ${special.join(', ')}\n`;
  return `${first}${table([['KEY', 'VALUE', 'FROM'], ...rows, ...defaults], process.stdout.columns)}${more}`;
}

function origin({ origin: from }: Effective): string {
  if (from.kind === 'built in') return 'built in';
  const place = from.line === undefined ? from.file : `${from.file}:${from.line}`;
  if (from.kind === 'queue') return `queue ${from.name}, ${place}`;
  return from.kind === 'node' ? `nodes ${from.pattern}, ${place}` : place;
}

async function check(named: string | undefined, json: boolean): Promise<number> {
  const { configFile, checkConfigFile } = await room();
  const file = named ?? configFile(process.env, process.getuid?.() ?? 0);
  const read = await checkConfigFile(file, { named: named !== undefined });
  const problems = read?.problems ?? [];
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  if (json) {
    process.stdout.write(`${JSON.stringify({ file, there: read !== undefined, errors, problems })}\n`);
  } else if (read === undefined) {
    process.stdout.write(`There is no ${file}: all is as built in.\n`);
  } else {
    for (const problem of problems) process.stdout.write(asText(file, problem));
    process.stdout.write(`${file}: ${errors === 0 ? 'no errors' : errors === 1 ? '1 error' : `${errors} errors`}\n`);
  }
  return errors === 0 ? 0 : 1;
}

function asText(file: string, { severity, line, key, reason, remedy }: ConfigProblem): string {
  return `${file}:${line ?? ''}: ${severity}: ${key}: ${reason}\n  hint: ${remedy}\n`;
}

async function importOld(file: string, { json = false }: { json?: boolean }): Promise<void> {
  const { importConfig2018 } = await room();
  const script = await readFile(file, 'utf8').catch((cause: unknown) => {
    throw new VtorqueError('E_CONFIG_READ', `Cannot read "${file}": ${fileReason(cause)}`, {
      hint: 'Give the path of the old config.sh',
      cause,
    });
  });
  const { toml, notes } = importConfig2018(script, file);
  if (json) {
    process.stdout.write(`${JSON.stringify({ toml, notes })}\n`);
    return;
  }
  process.stdout.write(toml);
  for (const { line, key, note } of notes) process.stderr.write(`${file}:${line}: ${key}: ${note}\n`);
}

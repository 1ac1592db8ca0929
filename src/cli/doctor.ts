import { userInfo } from 'node:os';
import { Command, Option } from 'commander';
import { examine, type Finding, type Role, type Severity } from '../node/doctor/index.ts';
import { ownPlaces, placesToRead } from '../site/index.ts';
import { countersDirectory, metricsText, readCounters } from '../telemetry/index.ts';
import { wantsColor } from './render-error.ts';
import { wrapped } from './wrapped.ts';

/** `vtorque doctor` */
export function doctorCommand(): Command {
  return new Command('doctor')
    .description('check this machine for what jobs in VMs need')
    .addOption(new Option('--role <role>', 'what this machine is').choices(['head', 'node', 'all']).default('all'))
    .option('--torque-home <directory>', 'where Torque keeps its files', '/var/spool/torque')
    .option('--json', 'print the findings as JSON')
    .addOption(
      new Option('--metrics', "print only how your VMs have started here, in Prometheus' text format").conflicts([
        'json',
        'role',
      ]),
    )
    .action(async (flags: DoctorFlags) => {
      await (flags.metrics ? metrics() : doctor(flags));
    });
}

interface DoctorFlags {
  readonly role: Role | 'all';
  readonly torqueHome: string;
  readonly json?: true;
  readonly metrics?: true;
}

async function doctor({ role, torqueHome, json }: DoctorFlags): Promise<void> {
  const uid = process.getuid?.() ?? 0;
  const findings = await examine(role === 'all' ? ['head', 'node'] : [role], {
    ...{ env: process.env, uid, gid: process.getgid?.() ?? 0, places: placesToRead(process.env, uid) },
    torqueHome,
  });
  const errors = findings.filter(({ severity }) => severity === 'error').length;
  const color = wantsColor(process.stdout, process.env);
  process.stdout.write(
    json
      ? `${JSON.stringify({ errors, findings })}\n`
      : findings.map((each) => asText(each, color, process.stdout.columns)).join(''),
  );
  if (errors > 0) process.exitCode = 1;
}

async function metrics(): Promise<void> {
  const { state } = ownPlaces(process.env, process.getuid?.() ?? 0);
  const { counters } = await readCounters(countersDirectory(state));
  process.stdout.write(metricsText(counters, userInfo().username));
}

const indent = ' '.repeat(9);

const styles: Readonly<Record<Severity, string>> = { ok: '32', warning: '33', error: '1;31' };

/** @param width of the terminal; without one nothing is broken into lines */
function asText({ check, severity, text, remedy }: Finding, color: boolean, width: number | undefined): string {
  const word = severity.padEnd(7);
  const painted = color ? `\x1b[${styles[severity]}m${word}\x1b[0m` : word;
  const sentences = [`${check}: ${text}`, ...(remedy === undefined ? [] : [`hint: ${remedy}`])];
  const lines = sentences.flatMap((sentence) =>
    wrapped(sentence, width === undefined ? undefined : width - indent.length),
  );
  return `${painted}  ${lines.join(`\n${indent}`)}\n`;
}

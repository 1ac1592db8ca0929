import { join } from 'node:path';
import type { Step } from './steps.ts';

export interface ReaperOptions {
  /** The link to the installed version. */
  readonly current: string;
  readonly engine: string;
  /** The directory of the batch system's commands, where it is known. */
  readonly commands: string | undefined;
  /** What a unit needs in its environment besides. */
  readonly environment: Readonly<Record<string, string>>;
  /** Whether systemd runs. */
  readonly systemctl: boolean;
}

const UNITS = '/etc/systemd/system';
const USUAL = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin'];

/** What clears up after jobs that a crash has cut short: a unit, and a timer that starts it. Pure. */
export function reaperUnits({ current, engine, commands, environment, systemctl }: ReaperOptions): Step[] {
  const program = join(current, 'bin/vtorque');
  const path = commands === undefined || USUAL.includes(commands) ? {} : { PATH: [...USUAL, commands].join(':') };
  const variables = Object.entries({ ...path, ...environment });
  const files: Step[] = [
    {
      kind: 'file',
      path: join(UNITS, 'vtorque-reap.service'),
      // A oneshot unit may take for ever unless told. What it was at, the next one takes up.
      content: `[Unit]
Description=Removes what jobs in virtual machines have left
ConditionFileIsExecutable=${literal(program)}

[Service]
Type=oneshot
TimeoutStartSec=10min
${variables.map(([name, value]) => `Environment=${word(`${name}=${value}`)}\n`).join('')}ExecStart=${started(program)} reap --engine ${engine}
`,
    },
    {
      kind: 'file',
      path: join(UNITS, 'vtorque-reap.timer'),
      content: `[Unit]
Description=Removes what jobs in virtual machines have left, every five minutes

[Timer]
OnBootSec=1min
OnUnitActiveSec=5min

[Install]
WantedBy=timers.target
`,
    },
  ];
  if (!systemctl) return files;
  const reload = ['systemctl', 'daemon-reload'] as const;
  return [
    // What comes first is undone last.
    { kind: 'commands', path: 'systemd', run: [], undo: [reload] },
    ...files,
    {
      kind: 'commands',
      path: 'systemd timer vtorque-reap',
      run: [reload, ['systemctl', 'enable', '--now', 'vtorque-reap.timer']],
      undo: [['systemctl', 'disable', '--now', 'vtorque-reap.timer']],
    },
  ];
}

/** The program of a unit may have neither quotes nor backslashes in its path: then a shell starts it. */
function started(program: string): string {
  if (!/["'\\]/.test(program)) return word(program);
  return `/bin/sh -c 'exec "$$0" "$$@"' ${word(program).replaceAll('$', '$$$$')}`;
}

/** A percent sign begins a specifier. */
function literal(text: string): string {
  return text.replaceAll('%', '%%');
}

/** One word of a unit, in quotes where a blank or a sign of systemd's own is in it. */
function word(text: string): string {
  return /^[\w@+=:,./-]+$/.test(text) ? text : `"${literal(text).replace(/[\\"]/g, '\\$&')}"`;
}

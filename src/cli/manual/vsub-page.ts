import type { Phase } from '../../base/index.ts';
import { codesOfErrors, exitCodeOfPhase } from '../../job/exit-codes.ts';
import { qsubOptions } from '../../pbs/index.ts';
import { type KeySpec, OPTIONS_VARIABLE, vmKeys } from '../../request/index.ts';
import { CONFIG_VARIABLE, systemConfigFile } from '../../site/config-files.ts';
import { sentence } from '../help-layout.ts';
import { vtorqueVersion } from '../version.ts';
import { ownOptions } from '../vsub/own-options.ts';
import type { ManualPage } from './roff.ts';

const reasons: Readonly<Record<Exclude<Phase, 'submit'>, string>> = {
  check:
    'before it started: no such image or kernel on the node, a mistake in its configuration, or the submitted script was altered on its way',
  plan: 'it was not started by a batch system, its VMs do not fit on the node, or another node could not take part',
  storage: 'the shared directories could not be served, a folder is not on the node, or a disk cannot be used',
  network: 'the network of the job could not be set up, or was lost',
  'vm-start': 'QEMU did not start',
  guest: 'the guest did not answer in time, or could not be set up',
  script: 'the VM ended, or another node was lost, while the script ran; or its output could not be written',
  'tear-down': 'the guest did not unmount the directories or its disk: files written last may be incomplete',
};

/** vsub(1). */
export function vsubPage(): ManualPage {
  const now = vmKeys.filter(({ availability }) => availability === 'now');
  const later = vmKeys.filter(({ availability }) => availability !== 'now');
  return {
    name: 'vsub',
    section: 1,
    purpose: 'submit a batch job, in a virtual machine if wanted',
    version: vtorqueVersion(),
    sections: [
      {
        title: 'SYNOPSIS',
        blocks: [{ text: '`vsub` [options of qsub] [`-vm` KEY=VALUE[,KEY=VALUE...]] [script [arguments]]' }],
      },
      {
        title: 'DESCRIPTION',
        blocks: [
          {
            text: 'vsub submits a job like `qsub`, and takes all its options. With `-vm` the job runs in a virtual machine on its node: as you, in your directories, with the environment of the job. Output, error output, exit code and signals are those of your script.',
          },
          {
            text: 'Without any request for a VM, vsub is qsub: it becomes the first qsub on PATH, with the same words, standard input, output and exit code.',
          },
          {
            text: 'What can be known to be wrong is refused before the job is queued, with the reason and a remedy.',
          },
        ],
      },
      {
        title: 'OPTIONS',
        blocks: [
          {
            items: ownOptions.map(({ words, value, help }) => [
              [words.join(', '), value].filter(Boolean).join(' '),
              sentence(help),
            ]),
          },
          { heading: 'Options of qsub' },
          {
            items: qsubOptions.map(({ letter, value, help }) => [
              value === undefined ? `-${letter}` : `-${letter} ${value}`,
              sentence(help),
            ]),
          },
        ],
      },
      {
        title: 'KEYS OF -vm',
        blocks: [
          {
            text: 'Keys are the same in any case. Sizes are digits and a unit, `K`, `M`, `G` or `T`, powers of 1024. A value with commas or blanks stands in quotes, which the shell must leave there.',
          },
          { items: now.map(keyItem) },
          ...(later.length === 0
            ? []
            : [
                { heading: 'Not in this version' },
                {
                  text: 'These are known and checked, and refused unless the value asks for nothing but what holds anyway.',
                },
                { items: later.map(keyItem) },
              ]),
        ],
      },
      {
        title: 'WHERE VALUES COME FROM',
        blocks: [
          {
            text: `For each key the first of these that has a value wins: the command line; \`#PBS -vm\` and \`#VSUB -vm\` lines of the script; the variable \`${OPTIONS_VARIABLE}\`; your own defaults; the defaults of the queue; those of the site. \`vsub --explain\` shows each value and where it comes from.`,
          },
        ],
      },
      {
        title: 'ENVIRONMENT',
        blocks: [
          {
            items: [
              [OPTIONS_VARIABLE, 'Requests for all jobs, for instance -vm img=host.'],
              [
                CONFIG_VARIABLE,
                "Another file in place of the site's configuration, for trials; root does not look at it.",
              ],
              ['NO_COLOR', 'If not empty, errors have no colours. They have some on terminals only.'],
            ],
          },
        ],
      },
      {
        title: 'FILES',
        blocks: [
          {
            items: [
              ['~/.config/vtorque/defaults.toml', 'Values of keys for all your jobs.'],
              [systemConfigFile, "The site's configuration, see vtorque-config(5)."],
              [
                '~/.local/state/vtorque/jobs/',
                'The steps of your jobs and their times, and what hooks in the guests print.',
              ],
            ],
          },
        ],
      },
      {
        title: 'EXIT STATUS',
        blocks: [
          {
            items: [
              ['0', 'The job is queued, or was shown.'],
              ['1', 'It was refused; nothing is queued.'],
              ['2', 'Wrong usage.'],
              ['other', "qsub's own, where qsub refused."],
            ],
          },
          { heading: 'Of the job' },
          {
            text: 'The exit status of the job is that of its script, or 128 + N when signal N ended it. When the script could not be run to its end the standard error has a line that begins with `vtorque:`, and the status says why:',
          },
          {
            items: [
              ...Object.entries(reasons).map(([phase, reason]): [string, string] => [
                `${exitCodeOfPhase(phase as Phase)}`,
                `${phase}: ${reason}.`,
              ]),
              [`${exitCodeOfPhase(undefined)}`, 'A mistake in vTorque.'],
              [`${codesOfErrors.E_PROLOGUE_REFUSED}`, 'A prologue in a guest ended with 1: the job must not run.'],
              [`${codesOfErrors.E_PROLOGUE_FAILED}`, 'A prologue in a guest failed: the job may be run again.'],
            ],
          },
        ],
      },
      {
        title: 'EXAMPLES',
        blocks: [
          { text: "A job in a VM of the node's own system:" },
          { code: ['vsub -N test -l nodes=1:ppn=2 -vm img=host,ram=2G job.sh'] },
          { text: 'The same request in the head of the script:' },
          { code: ['#PBS -l nodes=1:ppn=2', '#PBS -vm img=host,ram=2G'] },
          { text: 'What would be done, and why:' },
          { code: ['vsub --explain -vm img=debian-12 job.sh'] },
          { text: 'A shell in a guest:' },
          { code: ['vsub -I -vm img=debian-12'] },
        ],
      },
      { title: 'SEE ALSO', blocks: [{ text: '`vtorque`(1), `vmgr`(1), `vtorque-config`(5), `qsub`(1)' }] },
    ],
  };
}

function keyItem({ name, type, doc, default: fallback }: KeySpec): [string, string] {
  return [`${name}=${type.syntax}`, `${sentence(doc)} Without it: ${fallback}.`];
}

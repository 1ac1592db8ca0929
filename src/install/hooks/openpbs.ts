import { join } from 'node:path';
import type { Step } from '../steps.ts';

const NAME = 'vtorque';
// Longer than what the hook itself may take, so that it ends by its own deadline and says why.
const ALARM_S = 60;

/**
 * The hook of OpenPBS: the server keeps it and hands it to all nodes, so it is installed once, where qmgr is.
 * @param file where its text is kept for qmgr
 * @param current the link to the installed version, the same on all nodes
 */
export function openpbsHook(file: string, current: string): Step[] {
  const qmgr = (command: string): [string, ...string[]] => ['qmgr', '-c', command];
  return [
    { kind: 'file', path: file, content: hookProgram(join(current, 'libexec/vtorque-hook')) },
    {
      kind: 'commands',
      path: `qmgr hook ${NAME}`,
      create: qmgr(`create hook ${NAME}`),
      run: [
        qmgr(`set hook ${NAME} event = "execjob_begin,execjob_end,execjob_abort"`),
        qmgr(`set hook ${NAME} alarm = ${ALARM_S}`),
        qmgr(`import hook ${NAME} application/x-python default ${file}`),
        qmgr(`set hook ${NAME} enabled = True`),
      ],
      undo: [qmgr(`delete hook ${NAME}`)],
    },
  ];
}

/** Hooks of other names are not touched: OpenPBS runs all of them by itself. */
function hookProgram(program: string): string {
  return `# The hook of vTorque for OpenPBS: hands events of jobs to ${program}.
import os
import subprocess

import pbs

PROGRAM = ${JSON.stringify(program)}
EVENTS = {
    pbs.EXECJOB_BEGIN: "execjob_begin",
    pbs.EXECJOB_END: "execjob_end",
    pbs.EXECJOB_ABORT: "execjob_abort",
}

event = pbs.event()
job = event.job
if os.access(PROGRAM, os.X_OK):
    place = "mother" if job.in_ms_mom() else "sister"
    words = [PROGRAM, "openpbs", EVENTS[event.type], job.id, job.euser, str(job.run_count), place]
    ended = subprocess.run(words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    if ended.returncode != 0:
        text = ended.stderr.decode("utf-8", "replace").strip()
        pbs.logmsg(pbs.LOG_WARNING, "vtorque: " + text)
        if event.type == pbs.EXECJOB_BEGIN:
            event.reject(text or "vtorque-hook ended with %d" % ended.returncode)
event.accept()
`;
}

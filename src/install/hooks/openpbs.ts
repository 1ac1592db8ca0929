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

# Less than the alarm of the hook, for which OpenPBS would put the job back into the queue.
DEADLINE_S = 45

PROGRAM = ${JSON.stringify(program)}
EVENTS = {
    pbs.EXECJOB_BEGIN: "execjob_begin",
    pbs.EXECJOB_END: "execjob_end",
    pbs.EXECJOB_ABORT: "execjob_abort",
}

event = pbs.event()
job = event.job
attempt = str(job.run_count)
try:
    if event.type == pbs.EXECJOB_BEGIN and job.in_ms_mom():
        # The processes of the job know by it which run of the job they are.
        job.Variable_List["VTORQUE_ATTEMPT"] = attempt
    if os.access(PROGRAM, os.X_OK):
        place = "mother" if job.in_ms_mom() else "sister"
        words = [PROGRAM, "openpbs", EVENTS[event.type], job.id, job.euser, attempt, place]
        try:
            words.append(str(job.exec_host2 or "+".join(event.vnode_list)))
        except Exception:
            # Only job networks that root prepares need the nodes.
            pass
        ended = subprocess.run(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            timeout=DEADLINE_S,
        )
        text = ended.stderr.decode("utf-8", "replace").strip()
        if ended.returncode != 0 or text:
            pbs.logmsg(pbs.LOG_WARNING, "vtorque: " + (text or "ended with %d" % ended.returncode))
except Exception as error:
    # A rejected job is started again and again, so nothing that goes wrong here rejects it: its launcher finds out.
    pbs.logmsg(pbs.LOG_WARNING, "vtorque: %r" % error)
event.accept()
`;
}

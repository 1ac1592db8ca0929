import { parseAttribute, type QsubOption } from '../../pbs/index.ts';
import { CommandError, notAvailable } from './command.ts';
import { checkDepend } from './depend-option.ts';

/** Options of Torque's qsub that do something here. */
const AVAILABLE = new Set('ACdeFhIjkKlmNoqrStTvVwWxXz');

/** Attributes of -W that do something here. */
const ATTRIBUTES = new Set(['umask', 'interactive', 'depend']);

/** Attributes that Torque knows; of others it says so itself. */
const MISSING_ATTRIBUTES = new Set(
  (
    'group_list stagein stageout x job_radix fault_tolerant init_work_dir Execution_Time Checkpoint Error_Path Hold_Types Join_Path ' +
    'Keep_Files Mail_Points Mail_Users Output_Path Priority Rerunable User_List Variable_List Account_Name Job_Name Shell_Path_List ' +
    'Resource_List job_array_request job_arguments jobtype node_exclusive proxy_user queue reservation_id user_kill_delay inter_cmd'
  ).split(' '),
);

/** Attributes that only Torque's server sets. */
const SET_BY_SERVER = new Set(
  (
    'comment ctime egroup etime euser exec_host exit_status hashname hop_count Job_Owner job_state mtime qtime resources_used server ' +
    'session_id start_count start_time submit_args substate total_runtime'
  ).split(' '),
);

/** Refuse by name what the embedded batch system has not: dropping it silently would be a lie about the job. */
export function checkAvailable(options: readonly QsubOption[]): void {
  for (const { name, value = '' } of options) {
    if (!AVAILABLE.has(name)) throw notAvailable('qsub', `-${name}`);
    if (name === 'm' && value.trim() !== 'n') throw notAvailable('qsub', `mail (-m ${value})`);
    if (name === 'W' && value.trim() !== '') {
      const attribute = parseAttribute(value).name;
      if (MISSING_ATTRIBUTES.has(attribute)) throw notAvailable('qsub', `-W ${attribute}`);
      if (!ATTRIBUTES.has(attribute)) throw serverRefuses(attribute);
      if (attribute === 'depend') checkDepend('qsub', parseAttribute(value).value);
    }
  }
}

/** In the words of Torque's server. */
function serverRefuses(attribute: string): CommandError {
  if (SET_BY_SERVER.has(attribute)) {
    const reason = `Cannot set attribute, read only or insufficient permission  ${attribute}`;
    return new CommandError(`qsub: submit error (${reason})`, 155);
  }
  return new CommandError(
    'qsub: submit error (Undefined attribute  MSG=detected presence of an unknown attribute)',
    154,
  );
}

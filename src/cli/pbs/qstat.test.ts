import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import type { JobView, StatusReply } from '../../engine/embedded/protocol.ts';
import { formatFull, formatXml, wrap } from './qstat-full.ts';
import { formatPlain, formatWide } from './qstat-table.ts';

// The expected texts are what Torque 6.1 printed, with times in this process's zone.
const at = (text: string): number => new Date(`2026-11-22T${text}`).getTime();

function aView(change: Partial<JobView>): JobView {
  const name = change.name ?? 'job.sh';
  return {
    id: '690.tqhead',
    sequence: 690,
    name,
    owner: 'tqa',
    group: 'tqa',
    queue: 'batch',
    state: 'Q',
    mine: true,
    resources: [],
    ctime: at('06:12:27'),
    qtime: at('06:12:27'),
    mtime: at('06:12:29'),
    holds: '',
    startCount: 0,
    outputPath: `/home/tqa/w/${name}.o690`,
    errorPath: `/home/tqa/w/${name}.e690`,
    submitHost: 'tqhead',
    ...change,
  };
}

const variables = [
  ['PBS_O_QUEUE', 'batch'],
  ['PBS_O_HOME', '/home/tqa'],
  ['PBS_O_LOGNAME', 'tqa'],
  ['PBS_O_PATH', '/opt/torque-installed/here/bin:/usr/bin:/bin'],
  ['PBS_O_SHELL', '/bin/bash'],
  ['PBS_O_LANG', 'C.UTF-8'],
  ['PBS_O_WORKDIR', '/home/tqa/w'],
  ['PBS_O_HOST', 'tqhead'],
  ['PBS_O_SERVER', 'tqhead'],
] as const;

const details = { join: 'n', keep: 'n', rerunable: true, initDir: '/home/tqa/w', variables };

const complete = aView({
  id: '687.tqhead',
  name: 'long',
  state: 'C',
  resources: [
    ['nodes', '2:ppn=2'],
    ['walltime', '00:01:30'],
    ['mem', '100mb'],
    ['software', 'vmimg'],
    ['nodect', '2'],
  ],
  outputPath: '/home/tqa/w/long.o687',
  errorPath: '/home/tqa/w/long.e687',
  mtime: at('06:12:41'),
  etime: at('06:12:27'),
  startTime: at('06:12:28.200'),
  endTime: at('06:12:41.002'),
  startCount: 1,
  session: 6112,
  exitStatus: 0,
  used: { cpuMs: 40, memKb: 10944, vmemKb: 24888 },
  execHost: 'n2/0-1+n1/0-1',
  comment: 'Job started on Sun Nov 22 at 06:12',
  details: {
    ...details,
    account: 'proj',
    submitArgs: '-N long -l nodes=2:ppn=2,walltime=90,mem=100mb,software=vmimg -A proj -v IMG=foo',
  },
});

const held = aView({
  id: '688.tqhead',
  name: 'held',
  state: 'H',
  holds: 'u',
  resources: [
    ['walltime', '01:00:00'],
    ['nodes', '1'],
    ['nodect', '1'],
  ],
});
const queued = aView({
  name: 'big',
  resources: [
    ['nodes', '3:ppn=4'],
    ['nodect', '3'],
    ['walltime', '01:00:00'],
  ],
});
const running = { ...complete, state: 'R' as const, session: 0 };
const reply = (...jobs: JobView[]): StatusReply => ({ server: 'tqhead', now: at('06:12:30.300'), jobs, unknown: [] });

test('qstat prints Torque’s table', () => {
  const long = aView({ id: '14.tqhead', name: '0123456789abcdefgh', state: 'C' });
  assert.equal(
    formatPlain(reply(long, complete, held, aView({ id: '689[].tqhead', name: 'arr', state: 'R' }))),
    `Job ID                    Name             User            Time Use S Queue
------------------------- ---------------- --------------- -------- - -----
14.tqhead                  ...56789abcdefgh tqa                    0 C batch          
687.tqhead                 long             tqa             00:00:00 C batch          
688.tqhead                 held             tqa                    0 H batch          
689[].tqhead               arr              tqa                    0 R batch          
`,
  );
});

test('qstat prints nothing when there is nothing', () => {
  assert.equal(formatPlain(reply()), '');
  assert.equal(formatWide(reply(), { nodes: false, oneLine: false }), '');
});

test('qstat -an1 prints Torque’s wide table', () => {
  const { used: _, ...noUse } = running;
  const done = aView({
    id: '685.tqhead',
    name: 't.sh',
    state: 'C',
    session: 14484,
    execHost: 'n1/1',
    resources: [['walltime', '01:00:00']],
  });
  assert.equal(
    formatWide(reply(done, noUse, held, queued), { nodes: true, oneLine: true }),
    `
tqhead: 
                                                                                  Req'd       Req'd       Elap
Job ID                  Username    Queue    Jobname          SessID  NDS   TSK   Memory      Time    S   Time
----------------------- ----------- -------- ---------------- ------ ----- ------ --------- --------- - ---------
685.tqhead              tqa         batch    t.sh              14484     1      1       --   01:00:00 C       --    n1/1
687.tqhead              tqa         batch    long                  0     2      4     100mb  00:01:30 R  00:00:02   n2/0-1+n1/0-1
688.tqhead              tqa         batch    held                --      1      1       --   01:00:00 H       --     -- 
690.tqhead              tqa         batch    big                 --      3     12       --   01:00:00 Q       --     -- 
`,
  );
});

test('qstat -f prints a complete job as Torque does', () => {
  assert.equal(
    formatFull(reply(complete), false),
    `Job Id: 687.tqhead
    Job_Name = long
    Job_Owner = tqa@tqhead
    resources_used.cput = 00:00:00
    resources_used.vmem = 24888kb
    resources_used.walltime = 00:00:13
    resources_used.mem = 10944kb
    resources_used.energy_used = 0
    job_state = C
    queue = batch
    server = tqhead
    Account_Name = proj
    Checkpoint = u
    ctime = Sun Nov 22 06:12:27 2026
    Error_Path = tqhead:/home/tqa/w/long.e687
    exec_host = n2/0-1+n1/0-1
    Hold_Types = n
    Join_Path = n
    Keep_Files = n
    Mail_Points = a
    mtime = Sun Nov 22 06:12:41 2026
    Output_Path = tqhead:/home/tqa/w/long.o687
    Priority = 0
    qtime = Sun Nov 22 06:12:27 2026
    Rerunable = True
    Resource_List.nodes = 2:ppn=2
    Resource_List.walltime = 00:01:30
    Resource_List.mem = 100mb
    Resource_List.software = vmimg
    Resource_List.nodect = 2
    session_id = 6112
    Variable_List = PBS_O_QUEUE=batch,PBS_O_HOME=/home/tqa,PBS_O_LOGNAME=tqa,
	PBS_O_PATH=/opt/torque-installed/here/bin:/usr/bin:/bin,
	PBS_O_SHELL=/bin/bash,PBS_O_LANG=C.UTF-8,PBS_O_WORKDIR=/home/tqa/w,
	PBS_O_HOST=tqhead,PBS_O_SERVER=tqhead
    euser = tqa
    egroup = tqa
    queue_type = E
    comment = Job started on Sun Nov 22 at 06:12
    etime = Sun Nov 22 06:12:27 2026
    exit_status = 0
    submit_args = -N long -l nodes=2:ppn=2,walltime=90,mem=100mb,
	software=vmimg -A proj -v IMG=foo
    start_time = Sun Nov 22 06:12:28 2026
    start_count = 1
    fault_tolerant = False
    comp_time = Sun Nov 22 06:12:41 2026
    job_radix = 0
    total_runtime = 12.802000
    submit_host = tqhead
    init_work_dir = /home/tqa/w
    request_version = 1

`,
  );
});

test('qstat -f prints a held job as Torque does', () => {
  const job = { ...held, details: { ...details, submitArgs: '-h -N held', killDelay: 30, args: 'a b' } };
  const lines = formatFull(reply(job), false).split('\n');
  for (const line of [
    '    job_state = H',
    '    Hold_Types = u',
    '    user_kill_delay = 30',
    '    job_arguments = a b',
  ]) {
    assert.ok(lines.includes(line), line);
  }
  assert.ok(!lines.some((line) => /^ {4}(etime|start|session|exec_host|resources_used)/.test(line)));
});

/** A view of a job of somebody else: without its variables and arguments. */
const { variables: _variables, ...openDetails } = details;

test('qstat -f prints a job that waits for another as Torque does', () => {
  const job = aView({
    id: '691.tqhead',
    name: 'dep',
    state: 'H',
    holds: 's',
    depend: 'afterok:687.tqhead',
    resources: held.resources,
    mtime: at('06:12:27'),
    outputPath: '/home/tqa/w/dep.o691',
    errorPath: '/home/tqa/w/dep.e691',
    details: { ...openDetails, submitArgs: '-W depend=afterok:687.tqhead -N dep' },
  });
  assert.equal(
    formatFull(reply(job), false),
    `Job Id: 691.tqhead
    Job_Name = dep
    Job_Owner = tqa@tqhead
    job_state = H
    queue = batch
    server = tqhead
    Checkpoint = u
    ctime = Sun Nov 22 06:12:27 2026
    depend = afterok:687.tqhead
    Error_Path = tqhead:/home/tqa/w/dep.e691
    Hold_Types = s
    Join_Path = n
    Keep_Files = n
    Mail_Points = a
    mtime = Sun Nov 22 06:12:27 2026
    Output_Path = tqhead:/home/tqa/w/dep.o691
    Priority = 0
    qtime = Sun Nov 22 06:12:27 2026
    Rerunable = True
    Resource_List.walltime = 01:00:00
    Resource_List.nodes = 1
    Resource_List.nodect = 1
    euser = tqa
    egroup = tqa
    queue_type = E
    submit_args = -W depend=afterok:687.tqhead -N dep
    fault_tolerant = False
    job_radix = 0
    submit_host = tqhead
    init_work_dir = /home/tqa/w
    request_version = 1

`,
  );
});

test('qstat -f prints an array as Torque does', () => {
  const array = aView({
    id: '689[].tqhead',
    name: 'arr',
    element: 'all',
    state: 'R',
    resources: [
      ['walltime', '00:00:50'],
      ['nodes', '1'],
      ['nodect', '1'],
    ],
    mtime: at('06:12:30'),
    etime: at('06:12:27'),
    startTime: at('06:12:28'),
    outputPath: '/home/tqa/w/arr.o689',
    errorPath: '/home/tqa/w/arr.e689',
    details: { ...openDetails, submitArgs: '-N arr -t 1-3 -l walltime=50', arrayRequest: '1-3' },
  });
  assert.equal(
    formatFull(reply(array), false),
    `Job Id: 689[].tqhead
    Job_Name = arr
    Job_Owner = tqa@tqhead
    job_state = R
    queue = batch
    server = tqhead
    Checkpoint = u
    ctime = Sun Nov 22 06:12:27 2026
    Error_Path = tqhead:/home/tqa/w/arr.e689
    Hold_Types = n
    Join_Path = n
    Keep_Files = n
    Mail_Points = a
    mtime = Sun Nov 22 06:12:30 2026
    Output_Path = tqhead:/home/tqa/w/arr.o689
    Priority = 0
    Rerunable = True
    Resource_List.walltime = 00:00:50
    Resource_List.nodes = 1
    Resource_List.nodect = 1
    euser = tqa
    egroup = tqa
    queue_type = E
    etime = Sun Nov 22 06:12:27 2026
    submit_args = -N arr -t 1-3 -l walltime=50
    job_array_request = 1-3
    fault_tolerant = False
    job_radix = 0
    submit_host = tqhead
    init_work_dir = /home/tqa/w
    request_version = 1

`,
  );
  assert.match(
    formatWide(reply(array), { nodes: false, oneLine: false }),
    /^689\[\]\.tqhead {12}tqa {9}batch {4}arr {17}-- {6}1 {6}1 {7}-- {3}00:00:50 R {2}00:00:50$/m,
  );
});

test('qstat -x prints a running job as Torque does', () => {
  const { used: _, exitStatus: _status, endTime: _end, ...rest } = complete;
  const job = { ...rest, state: 'R' as const, session: 0, depend: 'beforeok:691.tqhead', mtime: at('06:12:28') };
  const seconds = (text: string): number => at(text) / 1000;
  assert.equal(
    formatXml(reply({ ...job, details: { ...openDetails, account: 'proj', submitArgs: '-N long' } })),
    `<?xml version="1.0"?>
<Data><Job><Job_Id>687.tqhead</Job_Id><Job_Name>long</Job_Name><Job_Owner>tqa@tqhead</Job_Owner><job_state>R</job_state><queue>batch</queue><server>tqhead</server><Account_Name>proj</Account_Name><Checkpoint>u</Checkpoint><ctime>${seconds('06:12:27')}</ctime><depend>beforeok:691.tqhead</depend><Error_Path>tqhead:/home/tqa/w/long.e687</Error_Path><exec_host>n2/0-1+n1/0-1</exec_host><Hold_Types>n</Hold_Types><Join_Path>n</Join_Path><Keep_Files>n</Keep_Files><Mail_Points>a</Mail_Points><mtime>${seconds('06:12:28')}</mtime><Output_Path>tqhead:/home/tqa/w/long.o687</Output_Path><Priority>0</Priority><qtime>${seconds('06:12:27')}</qtime><Rerunable>True</Rerunable><Resource_List><nodes>2:ppn=2</nodes><walltime>00:01:30</walltime><mem>100mb</mem><software>vmimg</software><nodect>2</nodect></Resource_List><session_id>0</session_id><euser>tqa</euser><egroup>tqa</egroup><queue_type>E</queue_type><comment>Job started on Sun Nov 22 at 06:12</comment><etime>${seconds('06:12:27')}</etime><submit_args>-N long</submit_args><start_time>${seconds('06:12:28')}</start_time><Walltime><Remaining>88</Remaining></Walltime><start_count>1</start_count><fault_tolerant>False</fault_tolerant><job_radix>0</job_radix><submit_host>tqhead</submit_host><init_work_dir>/home/tqa/w</init_work_dir><request_version>1</request_version></Job></Data>
`,
  );
});

test('qstat -f -t shows an element of an array with its number and without holds', () => {
  const job = aView({ id: '689[1].tqhead', sequence: 689, element: 1, name: 'arr-1', state: 'R', details });
  const lines = formatFull(reply(job), false).split('\n');
  assert.ok(lines.includes('    job_array_id = 1'));
  assert.ok(!lines.some((line) => line.includes('Hold_Types')));
});

test('qstat -f -1 keeps each attribute on one line', () => {
  assert.doesNotMatch(formatFull(reply(complete), true), /^\t/m);
});

test('wrap() breaks where Torque breaks, and loses nothing', () => {
  const states = 'Transit:0 Queued:1 Held:2 Waiting:0 Running:4 Exiting:0 Complete:218 ';
  assert.equal(
    wrap(states, '    state_count = '.length),
    'Transit:0 Queued:1 Held:2 Waiting:0 Running:4 Exiting:0 Comp\n\tlete:218 ',
  );
  fc.assert(
    fc.property(fc.string(), fc.integer({ min: 0, max: 40 }), (value, column) => {
      const plain = value.replaceAll(/[\n\t]/g, ' ');
      assert.equal(wrap(plain, column).replaceAll('\n\t', ''), plain);
    }),
  );
});

test('qstat -x nests resources and counts times in seconds', () => {
  const xml = formatXml(reply(complete));
  assert.match(xml, /^<\?xml version="1.0"\?>\n<Data><Job><Job_Id>687.tqhead<\/Job_Id><Job_Name>long<\/Job_Name>/);
  assert.match(xml, /<Resource_List><nodes>2:ppn=2<\/nodes><walltime>00:01:30<\/walltime><mem>100mb<\/mem>/);
  assert.ok(xml.includes(`<ctime>${at('06:12:27') / 1000}</ctime>`));
  assert.ok(xml.endsWith('<request_version>1</request_version></Job></Data>\n'));
});

test('qstat -x escapes what would be markup', () => {
  const name = '<a>&\u0001';
  assert.ok(formatXml(reply(aView({ name }))).includes('<Job_Name>&lt;a&gt;&amp;</Job_Name>'));
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seesAllJobs } from './sees-all.ts';

/** As Torque 6.1 has printed it, with fewer lines. */
const server = (...lines: readonly string[]): string =>
  [
    'Server: head.site',
    '    server_state = Active',
    '    state_count = Transit:0 Queued:0 Held:0 Waiting:0 Running:0 Exiting:0 Comp\n\tlete:10 ',
    ...lines.map((line) => `    ${line}`),
    '    default_queue = batch',
    '',
  ].join('\n');

test('root of a node sees the jobs of others only where the server says so', () => {
  for (const [lines, host, sees] of [
    [[], 'n1.site', false],
    [['managers = root@head.site', 'operators = root@head.site'], 'n1.site', false],
    [['query_other_jobs = True'], 'n1.site', true],
    [['query_other_jobs = False'], 'n1.site', false],
    [[], 'head.site', true],
    [[], 'head', true],
    [[], 'head.othersite', false],
    [['managers = alice@head.site,root@n1.si\n\tte'], 'n1.site', true],
    [['operators = root@*.site'], 'n1.site', true],
    [['operators = root@*.site'], 'n1.othersite', false],
    [['managers = root@*'], 'n1', true],
    [['managers = *@n1.site'], 'n1.site', false],
  ] as const) {
    assert.equal(seesAllJobs(server(...lines), host), sees, `${lines.join()} for ${host}`);
  }
  assert.equal(seesAllJobs('', 'n1.site'), false);
});

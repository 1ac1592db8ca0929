import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseLimits } from './limits.ts';

const head = 'Limit                     Soft Limit           Hard Limit           Units     \n';

test('parseLimits() carries soft and hard limits, whatever their units', () => {
  const text = `${head}Max cpu time              60                   unlimited            seconds   
Max stack size            8388608              unlimited            bytes     
Max nice priority         0                    0                    
Max realtime timeout      unlimited            unlimited            us        
`;
  assert.deepEqual(parseLimits(text, undefined, 1024), [
    { resource: 'cpu', soft: 60, hard: 'unlimited' },
    { resource: 'stack', soft: 8_388_608, hard: 'unlimited' },
    { resource: 'nice', soft: 0, hard: 0 },
    { resource: 'rttime', soft: 'unlimited', hard: 'unlimited' },
  ]);
});

test('parseLimits() takes the soft limit of open files from before Node raised it, and no more than the guest can have', () => {
  const line = (soft: string, hard: string): string =>
    `${head}Max open files            ${soft}              ${hard}              files     \n`;
  const nofile = (text: string, openFiles?: number): unknown => parseLimits(text, openFiles, 1_048_576);
  assert.deepEqual(nofile(line('4096', '4096'), 1024), [{ resource: 'nofile', soft: 1024, hard: 4096 }]);
  assert.deepEqual(nofile(line('1073741816', '1073741816'), 1024), [
    { resource: 'nofile', soft: 1024, hard: 1_048_576 },
  ]);
  assert.deepEqual(nofile(line('unlimited', 'unlimited')), [{ resource: 'nofile', soft: 1_048_576, hard: 1_048_576 }]);
});

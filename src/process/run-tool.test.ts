import assert from 'node:assert/strict';
import { test } from 'node:test';
import { runTool } from './run-tool.ts';

test('a tool that fails, is missing or is late is told so in its own words', async () => {
  assert.equal(await runTool('cat', [], { input: 'x' }), 'x');
  await assert.rejects(runTool('sh', ['-c', 'echo first >&2; echo second >&2; exit 3']), {
    code: 'E_TOOL',
    message: 'Cannot run sh: first',
  });
  await assert.rejects(runTool('sh', ['-c', 'exit 3']), /it ended with 3/);
  await assert.rejects(runTool('no-such-tool', []), { code: 'E_TOOL_MISSING', message: /^Cannot run no-such-tool: / });
  await assert.rejects(runTool('sh', ['-c', 'sleep 60 & wait'], { timeoutMs: 50 }), /has not ended within 0.05 s/);
});

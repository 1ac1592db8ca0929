/**
 * Run as a user of the batch system where he may submit: one call of its Engine, read as JSON from standard input, its outcome
 * written as JSON. So the suite acts as an ordinary user while it may run as root and on another host.
 */
import { text } from 'node:stream/consumers';
import { VtorqueError } from '../../src/base/index.ts';
import { type Engine, findEngine, type JobStatus } from '../../src/engine/index.ts';
import {
  DEFAULT_PREFIX,
  directiveOptions,
  effectiveOptions,
  scanDirectives,
  walkQsubArgs,
} from '../../src/pbs/index.ts';
import type { Call } from './call.ts';

const call = JSON.parse(await text(process.stdin)) as Call;
try {
  const value = await outcome(await findEngine(process.env), call);
  process.stdout.write(JSON.stringify({ value: value ?? null }));
} catch (error) {
  if (!(error instanceof VtorqueError)) throw error;
  process.stdout.write(JSON.stringify({ error: { code: error.code, message: error.message } }));
}

async function outcome(engine: Engine, call: Call): Promise<unknown> {
  switch (call.op) {
    case 'name':
      return engine.name;
    case 'submit': {
      const { argv, script } = call;
      const bytes = Buffer.from(script.text);
      const fromScript = directiveOptions(scanDirectives(bytes, DEFAULT_PREFIX).directives);
      const options = effectiveOptions(walkQsubArgs(argv).options, fromScript);
      return engine.submit({ argv, script: { name: script.name, bytes, at: script.at }, options });
    }
    case 'status':
      return Object.fromEntries(await engine.status(call.ids));
    case 'wait':
      return waitFor(engine, call);
    case 'cancel':
    case 'hold':
    case 'release':
      return engine[call.op](call.ids);
    case 'signal':
      return engine.signal(call.ids, call.signal);
    case 'nodes':
    case 'queues':
      return engine[call.op]();
    case 'live': {
      const live = await engine.liveJobs();
      return live.known ? [...live.ids] : live.why;
    }
  }
}

/** Until each job is in one of the states; what the batch system has forgotten is complete. */
async function waitFor(
  engine: Engine,
  { ids, states, withinMs }: Extract<Call, { op: 'wait' }>,
): Promise<Readonly<Record<string, JobStatus>>> {
  const deadline = Date.now() + withinMs;
  for (;;) {
    const known = await engine.status(ids);
    const fits = ids.every((id) => states.includes(known.get(id)?.state ?? 'complete'));
    if (fits) return Object.fromEntries(known);
    if (Date.now() > deadline) {
      const seen = ids.map((id) => `${id} is ${known.get(id)?.state}`).join(', ');
      throw new VtorqueError('E_TEST', `Cannot wait for ${states.join(' or ')} any longer: ${seen}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 150));
  }
}

import { Argument, Command } from 'commander';
import type { EngineName } from '../../engine/engine.ts';
import { serveHook } from './serve.ts';
import { hookBegan } from './since.ts';

const engines: readonly EngineName[] = ['torque', 'openpbs', 'slurm', 'embedded'];

/** `vtorque hook ENGINE EVENT [WORD...]`; the batch system starts `libexec/vtorque-hook`, which loads less. */
export function hookCommand(): Command {
  return new Command('hook')
    .description('prepare or release a job here, for the batch system')
    .addArgument(new Argument('<engine>', 'the batch system').choices(engines))
    .argument('<event>', 'its name for the hook, such as prologue.parallel')
    .argument('[word...]', 'what it was called with')
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (engine: EngineName, event: string, words: readonly string[]) => {
      await serveHook(engine, event, words, { since: hookBegan(process.env) });
      // A hook that is late still has something on its way.
      process.exit(0);
    });
}

/** Run by a job of the contract suite: prints which run of the job this is. */
import { findJobEngine } from '../../src/engine/index.ts';

const { attempt } = await (await findJobEngine(process.env)).allocation();
process.stdout.write(`${attempt}\n`);

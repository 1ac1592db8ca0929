import { runVtorque } from '../vtorque.ts';

export async function main(args: readonly string[]): Promise<void> {
  process.exitCode = await runVtorque(args);
}

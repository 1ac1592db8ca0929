import { nearest, VtorqueError } from '../../base/index.ts';

/**
 * Refuse a queue that the batch system does not have.
 * @param destination the value of `-q`: `queue`, `@server` or `queue@server`; of another server nothing is known
 * @param queues asked only when there is something to check; undefined when the batch system does not tell: nothing is refused
 * @throws VtorqueError `E_QUEUE_UNKNOWN`
 */
export async function checkQueue(
  destination: string | undefined,
  queues: () => Promise<readonly string[] | undefined>,
): Promise<void> {
  if (!destination || destination.includes('@')) return;
  const known = await queues();
  if (known === undefined || known.includes(destination)) return;
  const meant = nearest(destination, known);
  throw new VtorqueError('E_QUEUE_UNKNOWN', `Cannot use queue "${destination}": there is no such queue`, {
    hint: `${meant === undefined ? '' : `Did you mean "${meant}"? `}Queues here: ${known.join(', ')}`,
    phase: 'check',
  });
}

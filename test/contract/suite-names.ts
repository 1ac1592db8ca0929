import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BatchNode } from '../../src/engine/index.ts';
import { type ContractCluster, type ContractUser, type Feature, type Lacks, sequence } from './cluster.ts';
import { contractOf } from './suite.ts';
import { startsOnEachNode, vmOnEachNode } from './suite-nodes.ts';

/** The domain of nodes that have one. */
export const DOMAIN = 'cluster.test';

/**
 * What must hold where the nodes of a batch system have names with a domain, besides what has nothing to do with names: two nodes at least,
 * `n1.cluster.test` and `n2.cluster.test`.
 */
export function contractOfDomains(
  name: string,
  start: () => Promise<ContractCluster>,
  lacks: Lacks,
  skip: string | false = false,
): void {
  contractOf(`${name} with nodes in a domain`, start, lacks, skip, domainTests);
}

function domainTests(user: () => ContractUser, when: (feature: Feature) => { readonly skip: string | false }): void {
  const long = (name: string): string => `${name}.${DOMAIN}`;

  test('the nodes are told with their domain', async () => {
    const nodes = await user().call<BatchNode[]>({ op: 'nodes' });
    assert.deepEqual(
      nodes.map(({ name }) => name),
      [long('n1'), long('n2')],
    );
  });

  test('a job runs on the node whose whole name it asks for', async () => {
    const script = `${user().cluster.dialect.slots}; sleep 2`;
    const id = await user().accepted(['-l', `nodes=${long('n2')}`, '-N', 'named'], script);
    const [running] = await user().wait([id], ['running']);
    await user().wait([id]);
    assert.deepEqual(running?.nodes, [long('n2')]);
    assert.equal(await user().read(`named.o${sequence(id)}`), `${long('n2')}\n`);
  });

  test('a job that asks for a node by its short name is refused: no node has that name', async () => {
    const submitted = user()
      .submit(['-l', 'nodes=n2'], 'true')
      .then((answer) => ('id' in answer ? user().submitted(answer.id) : 'refused'));
    assert.equal(
      await submitted.catch(({ code }: { code: string }) => (code === 'E_ENGINE' ? 'refused' : code)),
      'refused',
    );
  });

  startsOnEachNode(user);
  vmOnEachNode(user, when, `nodes=${long('n2')}:ppn=2+${long('n1')}:ppn=2`);
}

import { MiB } from '../../base/index.ts';
import { formatWalltime, type NodeRequest, nodeCount, parseMem, parseNodes, parseWalltime } from '../../pbs/index.ts';
import { notOnSlurm } from './refusal.ts';

type Resources = ReadonlyMap<string, string>;

/** What sbatch has for each resource of `-l`; all of a job come in, since memory is shared out among nodes. */
const table: Readonly<Record<string, (value: string, all: Resources) => readonly string[]>> = {
  nodes: (value) => nodesArguments(parseNodes(value)),
  procs: (value) => [`--ntasks=${number('procs', value)}`],
  ncpus: (value) => ['--nodes=1', `--ntasks-per-node=${number('ncpus', value)}`],
  // With colons: without any, Slurm counts minutes.
  walltime: (value) => [`--time=${formatWalltime(parseWalltime(value))}`],
  // Torque's mem is that of the whole job; without a value it asks for nothing.
  mem: (value, all) =>
    value === '' ? [] : [`--mem=${megabytes(parseMem(value) / nodeCount(parseNodes(all.get('nodes') ?? '1')))}M`],
  pmem: (value) => [`--mem-per-cpu=${megabytes(parseMem(value, 'pmem'))}M`],
  // qsub makes gres of a resource gpus of its own.
  gres: (value) => [`--gres=${value.replace(/^gpus/, 'gpu')}`],
  nice: (value) => [`--nice=${number('nice', value)}`],
  naccesspolicy: (value) => accessArguments(value),
};

/**
 * The resources of a job as arguments of sbatch. Pure.
 * @throws VtorqueError `E_NOT_ON_SLURM`, or `E_QSUB` for values that nobody could read
 */
export function resourceArguments(resources: Resources): string[] {
  return [...resources].flatMap(([name, value]) => {
    const translate = Object.hasOwn(table, name) ? table[name] : undefined;
    if (translate !== undefined) return translate(value, resources);
    throw notOnSlurm(`-l ${name}=${value}`, `Resources with a counterpart: ${Object.keys(table).join(', ')}`);
  });
}

function nodesArguments(parts: readonly NodeRequest[]): string[] {
  const [first] = parts;
  if (first === undefined) return [];
  const alike = parts.every(
    ({ ppn, gpus, properties }) =>
      ppn === first.ppn && gpus === first.gpus && properties.join(':') === first.properties.join(':'),
  );
  if (!alike)
    throw notOnSlurm('parts of -l nodes= that differ', 'Ask for nodes of one kind, for instance nodes=3:ppn=4');
  const hosts = parts.flatMap(({ host }) => host ?? []);
  const bad = [...hosts, ...first.properties].find((word) => !/^[\w.-]+$/.test(word));
  if (bad !== undefined)
    throw notOnSlurm(`"${bad}" in -l nodes=`, 'Names of nodes and features are letters, digits, -, _');
  return [
    `--nodes=${nodeCount(parts)}`,
    `--ntasks-per-node=${first.ppn}`,
    ...(hosts.length === 0 ? [] : [`--nodelist=${hosts.join(',')}`]),
    ...(first.properties.length === 0 ? [] : [`--constraint=${first.properties.join('&')}`]),
    ...(first.gpus === 0 ? [] : [`--gpus-per-node=${first.gpus}`]),
  ];
}

function accessArguments(policy: string): string[] {
  if (policy === 'shared') return ['--oversubscribe'];
  if (policy === 'singlejob' || policy === 'singletask') return ['--exclusive'];
  if (policy === 'singleuser') return ['--exclusive=user'];
  throw notOnSlurm(
    `-l naccesspolicy=${policy}`,
    'Policies with a counterpart: shared, singlejob, singletask, singleuser',
  );
}

function megabytes(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / MiB));
}

function number(name: string, value: string): number {
  if (/^\d{1,9}$/.test(value)) return Number(value);
  throw notOnSlurm(`-l ${name}=${value}`, `Write a whole number: -l ${name}=4`);
}

import type { PlannedVm } from '../../../plan/index.ts';
import type { Variables } from './job-variables.ts';

/** What is true of one VM of a job. */
export interface VmFacts {
  /** All of the job, by rank. */
  readonly vms: readonly PlannedVm[];
  /** This one. */
  readonly vm: PlannedVm;
  /** Its node, as the batch system has it. */
  readonly host: string;
  /** Path of the node file in it. */
  readonly nodeFile: string;
  /** As in `img=`. */
  readonly image: string;
  /** As in `distro=`; undefined when nobody knows. */
  readonly distro: string | undefined;
  /** What the job brings into all of its VMs. */
  readonly job: Variables;
}

interface VariableRow {
  readonly name: string;
  /** For docs/environment.md. */
  readonly doc: string;
  readonly value: (facts: VmFacts) => string | number | undefined;
}

const slots = (vms: readonly PlannedVm[]): number => vms.reduce((sum, vm) => sum + vm.slots, 0);

/** What is set anew in each VM, whatever the batch system or the user have set. */
export const vmVariableRows: readonly VariableRow[] = [
  {
    name: 'PBS_NODEFILE',
    doc: "Path of the node file: each VM's name once per slot, in the order of the ranks. The same path as on the node",
    value: ({ nodeFile }) => nodeFile,
  },
  {
    name: 'PBS_NP',
    doc: 'Slots of all VMs of the job together: lines of the node file',
    value: ({ vms }) => slots(vms),
  },
  { name: 'PBS_NUM_NODES', doc: 'VMs of the job', value: ({ vms }) => vms.length },
  { name: 'PBS_NUM_PPN', doc: 'Slots of this VM', value: ({ vm }) => vm.slots },
  {
    name: 'PBS_VMS_PN',
    doc: 'VMs of the job on the node of this VM',
    value: ({ vms, vm }) => vms.filter(({ node }) => node === vm.node).length,
  },
  { name: 'PBS_NODENUM', doc: 'Rank of this VM, from 0', value: ({ vm }) => vm.rank },
  {
    name: 'PBS_VNODENUM',
    doc: 'Number of the first slot of this VM among all, from 0',
    value: ({ vms, vm }) => slots(vms.filter(({ rank }) => rank < vm.rank)),
  },
  {
    name: 'PBS_ARRAYID',
    doc: 'In an array: the number of the element, also where the batch system calls it PBS_ARRAY_INDEX',
    value: ({ job }) => job.PBS_ARRAYID ?? job.PBS_ARRAY_INDEX,
  },
  {
    name: 'NCPUS',
    doc: 'Virtual CPUs of this VM; only where the batch system sets it, as OpenPBS does',
    value: ({ job, vm }) => (job.NCPUS === undefined ? undefined : vm.vcpus),
  },
  {
    name: 'OMP_NUM_THREADS',
    doc: 'The same, where OpenPBS sets it to its `NCPUS`. Another number, of `ompthreads=`, `-v` or `env=`, stays',
    value: ({ job, vm }) => (job.NCPUS !== undefined && job.OMP_NUM_THREADS === job.NCPUS ? vm.vcpus : undefined),
  },
  { name: 'HOSTNAME', doc: 'Name of this VM', value: ({ vm }) => vm.name },
  {
    name: 'DISTRO',
    doc: "Distribution of the guest's system, as in `distro=`: `debian`, `ubuntu`, `redhat`, `centos`, or another `ID` of /etc/os-release. Not set where an image does not say",
    value: ({ distro }) => distro,
  },
  {
    name: 'VTORQUE_RANK',
    doc: 'Rank of this VM, from 0; the script runs in that of rank 0',
    value: ({ vm }) => vm.rank,
  },
  { name: 'VTORQUE_VMS', doc: 'VMs of the job', value: ({ vms }) => vms.length },
  { name: 'VTORQUE_VM', doc: 'Name of this VM', value: ({ vm }) => vm.name },
  { name: 'VTORQUE_NODE', doc: 'The node that it runs on, as the batch system calls it', value: ({ host }) => host },
  { name: 'VTORQUE_IMAGE', doc: 'Its image, as in `img=`', value: ({ image }) => image },
];

/** The variables of one VM, by the table. Pure. */
export function vmVariables(facts: VmFacts): Record<string, string> {
  const values = vmVariableRows.map(({ name, value }) => [name, value(facts)] as const);
  return Object.fromEntries(values.flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]])));
}

/**
 * Variables by which an unmodified mpirun finds the VMs of the job and their slots, and starts its processes there by ssh.
 * What the job sets itself counts more. Pure.
 * @param nodeFile of the guest: the name of each VM, once for each of its slots
 */
export function mpiVariables(nodeFile: string): Record<string, string> {
  // Batch systems that some builds know by the job's variables, and that cannot be reached from a guest.
  const notByBatchSystem = '^slurm,tm';
  return {
    // Open MPI up to 4; from 5 on by PRRTE.
    OMPI_MCA_orte_default_hostfile: nodeFile,
    OMPI_MCA_plm: notByBatchSystem,
    OMPI_MCA_ras: notByBatchSystem,
    PRTE_MCA_prte_default_hostfile: nodeFile,
    PRTE_MCA_plm: notByBatchSystem,
    PRTE_MCA_ras: '^slurm,pbs,tm',
    // MPICH and its relatives.
    HYDRA_HOST_FILE: nodeFile,
    HYDRA_LAUNCHER: 'ssh',
  };
}

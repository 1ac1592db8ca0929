/** A key of the language whose feature is still to come: known, of no effect in this version. */
export interface LaterKey {
  readonly doc: string;
  readonly was: readonly string[];
}

const later = (doc: string, ...was: string[]): LaterKey => ({ doc, was });

export const laterKeys: Readonly<Record<string, LaterKey>> = {
  'batch.qsub': later(
    'Path of the real qsub; vsub takes the first one on PATH.',
    'PBS_QSUB_ON_FE',
    'PBS_QSUB_ON_NODES',
  ),
  'batch.torque_home': later("Torque's directory, for hooks.", 'TORQUE_HOME'),
  'batch.kill_user_processes': later('End all processes of the user after a job.', 'KILL_USER_PROCESSES_AFTER_JOB'),
  'images.pool': later('Directory of the images.', 'VM_IMG_DIR', 'IMAGE_POOL_DIR'),
  'images.suspended': later('Directory of suspended VMs.', 'SUSPENDED_IMAGE_DIR'),
  'images.work': later('Shared directory for copies of images; none are made now.', 'WS_DIR'),
  'images.ram_disk': later('Directory for copies in memory; fs_type=ramdisk needs none now.', 'RAMDISK_DIR'),
  'mounts.home': later("NFS export of the homes; guests reach the node's own now.", 'VM_NFS_HOME'),
  'network.mac_prefix': later('First bytes of the hardware addresses of VMs.', 'MAC_PREFIX'),
  'time.servers': later('Time servers of guests; guests get the time of the node now.', 'NTP_SERVER_1', 'NTP_SERVER_2'),
  'guests.packages_debian': later('Packages for Debian guests; put them into the image.', 'SW_PACKAGES_DEBIAN'),
  'guests.packages_redhat': later('Packages for Red Hat guests; put them into the image.', 'SW_PACKAGES_REDHAT'),
  'timeouts.prologue': later(
    'Time of the prologue on a node; the limit of the batch system counts, see hooks.md.',
    'PROLOGUE_TIMEOUT',
  ),
  'timeouts.ssh': later('Time for a connection by ssh; vTorque makes none to start a job.', 'SSH_TIMEOUT'),
  'debug.show_log': later("Show a job's log after it is submitted.", 'SHOW_LOG_DEFAULT'),
  'debug.debug': later('Debug messages.', 'DEBUG_DEFAULT'),
  'debug.trace': later('Trace messages.', 'TRACE_DEFAULT'),
  'iocm.enabled': later('Cores for virtual I/O.', 'IOCM_ENABLED'),
  'iocm.min_cores': later('Least number of them.', 'IOCM_MIN_CORES'),
  'iocm.max_cores': later('Largest number of them.', 'IOCM_MAX_CORES'),
  'iocm.nodes': later('Nodes that have it.', 'IOCM_NODES'),
  'vrdma.enabled': later('RDMA between the VMs of a job.', 'VRDMA_ENABLED'),
  'vrdma.nodes': later('Nodes that have it.', 'VRDMA_NODES'),
  'unclot.enabled': later('Shared memory between the VMs of a job.', 'UNCLOT_ENABLED'),
};

/** Keys of 2018 that have no successor, and why. */
export const goneKeys: Readonly<Record<string, string>> = {
  REGEX_FE: 'submit hosts and nodes are told apart by what is installed there',
  ARP_BIN: 'addresses are planned, not searched for',
  NFS_TIMEOUT: 'nothing waits for files on NFS',
  MEASURE_TIME: "each job's times are recorded always",
  ENABLE_DEV_MODE: 'vsub --dry-run is there for everybody; a checkout runs by itself',
  PARALLEL: 'what can run at the same time does',
  ABORT_ON_ERROR: 'an error always ends the job',
  PRINT_TO_STDOUT: 'messages go to standard error',
  LOG_ROTATE: 'there is no log file that grows',
  LOG_FILE: "what failed stands in the job's standard error",
};

/** Defaults of 2018 and the -vm key that they were for. */
export const defaultsOf2018: Readonly<Record<string, string>> = {
  FILESYSTEM_TYPE_DEFAULT: 'fs_type',
  IMG_DEFAULT: 'img',
  DISTRO_DEFAULT: 'distro',
  ARCH_DEFAULT: 'arch',
  VCPUS_DEFAULT: 'vcpus',
  VCPU_PINNING_DEFAULT: 'vcpu_pinning',
  RAM_DEFAULT: 'ram',
  VMS_PER_NODE_DEFAULT: 'vms_per_node',
  DISK_DEFAULT: 'disk',
  VRDMA_ENABLED_DEFAULT: 'vrdma',
  UNCLOT_ENABLED_DEFAULT: 'unclot',
  UNCLOT_SHMEM_DEFAULT: 'unclot_shmem',
  IOCM_ENABLED_DEFAULT: 'iocm',
  IOCM_MIN_CORES_DEFAULT: 'iocm_min_cores',
  IOCM_MAX_CORES_DEFAULT: 'iocm_max_cores',
};

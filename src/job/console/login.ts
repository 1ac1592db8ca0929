import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import type { GuestAgent } from '../../guest/linux/index.ts';
import { type JobContext, type JobSsh, limitsOfJob, type NodeGuest, serverProgram } from '../../node/guest/index.ts';
import type { LoginAnswer } from './greeting.ts';

export interface LoginOptions {
  readonly ssh: JobSsh | undefined;
  /** The VM on this node with that rank, if it is here. */
  readonly guestOf: (rank: number) => NodeGuest | undefined;
  /** Of the VM that leads to those elsewhere. */
  readonly first: Pick<NodeGuest, 'identity' | 'files'>;
}

/** What an ssh client needs for a VM of the job. It is for the job's owner only. */
export async function loginTo(rank: number, { ssh, guestOf, first }: LoginOptions): Promise<LoginAnswer> {
  const { context, vms, vm: firstVm } = first.identity;
  const vm = vms[rank];
  if (vm === undefined) return { why: `it has no VM ${rank}`, hint: `VMs are numbered from 0 to ${vms.length - 1}` };
  const console = `A terminal without ssh: vtorque console ${context.id}`;
  if (ssh === undefined) return { why: 'it was submitted with -vm ssh=false', hint: console };
  const here = guestOf(rank);
  const state = (here ?? first).files.sshServer;
  if (state !== undefined && state !== 'listens') {
    return { why: `guest "${(here ?? first).identity.vm.name}" has no ssh server: ${state.why}`, hint: console };
  }
  return {
    ...{ user: context.owner.name, name: vm.name, identity: ssh.user.privateKey, hostKey: ssh.host.publicKey },
    ...(here === undefined ? { through: { rank: firstVm.rank, name: firstVm.name } } : {}),
  };
}

/**
 * Let a server of the guest talk to who is at the other end of `socket`, until one of them ends. It needs no network.
 */
export async function serveSsh(socket: Socket, agent: GuestAgent, context: JobContext): Promise<void> {
  const server = agent.exec({
    ...serverProgram(['-e']),
    stdin: 'data',
    // What the server has its sessions get.
    ...{ limits: await limitsOfJob(agent, context.env), umask: context.umask },
  });
  // What it says of clients is of no use to anybody here.
  server.stderr.resume();
  // Two pipelines, the door and this are more who wait for one end than Node takes for no leak, and it would say so to the job's owner.
  socket.setMaxListeners(0).once('close', () => server.stdin.destroy());
  await Promise.all([pipeline(socket, server.stdin), pipeline(server.stdout, socket)]);
}

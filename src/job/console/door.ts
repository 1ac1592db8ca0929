import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { messageOf, shellQuote } from '../../base/index.ts';
import type { JobSsh, NodeGuest } from '../../node/guest/index.ts';
import { peerOf } from '../../process/index.ts';
import { programsDirectory } from '../../site/index.ts';
import { UserChannel } from '../interactive/channel.ts';
import { runShell } from '../interactive/shell.ts';
import type { JobGuest } from '../job-guest.ts';
import type { Submission } from '../submission.ts';
import type { ConsolePlace } from '../timeline.ts';
import { CONSOLE_TOKEN, type ConsoleGreeting, readGreeting } from './greeting.ts';
import { loginTo, serveSsh } from './login.ts';

export interface DoorOptions {
  readonly guest: JobGuest;
  readonly submission: Submission;
  /** None where the job wants none. */
  readonly ssh: JobSsh | undefined;
}

const GREETING_MS = 10_000;
/** Who are looked at at once. Others than the owner can connect, and then are sent away; they must not fill the node with helpers. */
const MOST = 16;
/** As a shell tells that its terminal has hung up. */
const HUNG_UP = 129;

/**
 * Where the job's owner gets terminals of the guest: a local socket without a file, so that nothing is left of it however this process ends.
 * The kernel tells who connects; all but the owner and root are sent away.
 */
export class ConsoleDoor implements AsyncDisposable {
  readonly place: ConsolePlace;
  readonly #options: DoorOptions;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #knocking = 0;
  readonly #open = new Map<UserChannel, Socket>();
  readonly #logins = new Set<Socket>();
  readonly #endWanted = Promise.withResolvers<void>();
  #keeping = false;

  private constructor(options: DoorOptions, server: Server, place: ConsolePlace) {
    this.#options = options;
    this.#server = server;
    this.place = place;
    server.on('connection', (socket) => void this.#receive(socket));
  }

  /** @throws Error when there can be no such socket */
  static async open(options: DoorOptions): Promise<ConsoleDoor> {
    // Drawn by lot: who knew it could take the name before.
    const socket = `vtorque-console-${randomBytes(12).toString('hex')}`;
    const server = createServer({ pauseOnConnect: true });
    server.listen(`\0${socket}`);
    await once(server, 'listening');
    const vms = options.guest.identity.vms.length;
    return new ConsoleDoor(options, server, { host: hostname(), socket, vms });
  }

  /** From now on who leaves the last console, or asks for it, ends the wait for this promise. */
  keptEnough(): Promise<void> {
    this.#keeping = true;
    return this.#endWanted.promise;
  }

  /** Let nobody in any more, and tell those who are in why. */
  async close(reason: string): Promise<void> {
    if (!this.#server.listening) return;
    const closed = once(this.#server, 'close');
    this.#server.close();
    for (const [channel, socket] of this.#open) {
      channel.print(`\nvtorque: ${reason}\n`);
      channel.say({ kind: 'exit', code: HUNG_UP });
      socket.destroySoon();
    }
    const open = new Set(this.#open.values());
    for (const socket of this.#sockets) if (!open.has(socket)) socket.destroy();
    const timer = setTimeout(() => {
      for (const socket of this.#sockets) socket.destroy();
    }, 1000);
    await closed;
    clearTimeout(timer);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close('the job has ended');
  }

  async #receive(socket: Socket): Promise<void> {
    if (this.#knocking >= MOST) {
      socket.destroy();
      return;
    }
    const greeting = this.#letIn(socket);
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    try {
      await this.#serve(socket, await greeting);
    } catch {
      // Whoever it is learns that nobody talks to him; the job has nothing to do with that.
    } finally {
      socket.destroySoon();
    }
  }

  /** @throws Error for others than the owner, and for who says nothing that is understood */
  async #letIn(socket: Socket): Promise<ConsoleGreeting> {
    this.#knocking++;
    const late = setTimeout(() => socket.destroy(), GREETING_MS);
    try {
      const peer = await peerOf(join(programsDirectory, 'account'), socket);
      const { owner } = this.#options.guest.identity.context;
      if (peer !== owner.uid && peer !== 0) throw new Error(`uid ${peer} is not the owner of the job`);
      return await greetingFrom(socket);
    } finally {
      clearTimeout(late);
      this.#knocking--;
    }
  }

  #guestOf(rank: number): NodeGuest | undefined {
    return this.#options.guest.guests.find(({ identity }) => identity.vm.rank === rank);
  }

  async #serve(socket: Socket, greeting: ConsoleGreeting): Promise<void> {
    const { wish, rank } = greeting;
    if (wish === 'login') {
      const { guest, ssh } = this.#options;
      socket.write(
        `${JSON.stringify(await loginTo(rank, { ssh, first: guest, guestOf: (of) => this.#guestOf(of) }))}\n`,
      );
    } else if (wish === 'ssh') {
      const guest = this.#guestOf(rank);
      if (guest === undefined) return;
      this.#logins.add(socket);
      await serveSsh(socket, guest.machine.agent, guest.identity.context).finally(() => this.#logins.delete(socket));
    } else await this.#talk(socket, greeting);
  }

  async #talk(socket: Socket, { wish, terminalType, rank }: ConsoleGreeting): Promise<void> {
    const channel = new UserChannel(CONSOLE_TOKEN, socket, socket);
    socket.resume();
    if (wish === 'end') {
      if (!this.#keeping) channel.print('vtorque: the script still runs: its VM is not kept\n');
      channel.say({ kind: 'exit', code: this.#keeping ? 0 : 1 });
      if (this.#keeping) this.#endWanted.resolve();
      return;
    }
    this.#open.set(channel, socket);
    channel.say({ kind: 'hello' });
    try {
      const code = await this.#shell(channel, terminalType, rank);
      channel.say({ kind: 'exit', code });
      this.#open.delete(channel);
      // A shell that ended because its connection was lost is nobody's wish.
      const last = this.#open.size === 0 && this.#logins.size === 0;
      if (this.#keeping && last && !channel.hungUp.aborted) this.#endWanted.resolve();
    } catch (error) {
      channel.print(`vtorque: ${messageOf(error)}\n`);
      channel.say({ kind: 'exit', code: HUNG_UP });
    } finally {
      this.#open.delete(channel);
    }
  }

  #shell(channel: UserChannel, terminalType: string, rank: number): Promise<number> {
    const { submission } = this.#options;
    const { request, shell, variables } = submission;
    const here = this.#guestOf(rank);
    const guest = here ?? this.#options.guest;
    const command = here === undefined ? { command: shellElsewhere(guest, rank) } : {};
    return runShell({
      ...{ agent: guest.machine.agent, identity: guest.identity, files: guest.files, channel, env: {} },
      submission: {
        ...{ request, variables, terminalType, token: CONSOLE_TOKEN, ...command },
        ...(shell === undefined ? {} : { shell }),
      },
    });
  }
}

/** What brings a shell in a VM of another node to a terminal of this one. */
function shellElsewhere({ identity: { vms, context } }: Pick<NodeGuest, 'identity'>, rank: number): string {
  const shell = `cd ${shellQuote(context.cwd)}; exec "$SHELL" -l`;
  return `exec ssh -q -tt ${shellQuote(vms[rank]?.name ?? '')} ${shellQuote(shell)}`;
}

/** The connection is paused again when this resolves. */
function greetingFrom(socket: Socket): Promise<ConsoleGreeting> {
  return new Promise((resolve, reject) => {
    let read: Buffer = Buffer.alloc(0);
    const take = (chunk: Buffer): void => {
      read = Buffer.concat([read, chunk]);
      try {
        const found = readGreeting(read);
        if (found === undefined) return;
        socket.off('data', take).pause();
        if (found.rest.length > 0) socket.unshift(found.rest);
        resolve(found.greeting);
      } catch (error) {
        reject(error);
      }
    };
    socket.on('data', take).once('close', () => reject(new Error('the connection has gone')));
    socket.resume();
  });
}

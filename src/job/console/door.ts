import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { messageOf } from '../../base/index.ts';
import { peerOf } from '../../process/index.ts';
import { programsDirectory } from '../../site/index.ts';
import { UserChannel } from '../interactive/channel.ts';
import { runShell } from '../interactive/shell.ts';
import type { JobGuest } from '../job-guest.ts';
import type { Submission } from '../submission.ts';
import type { ConsolePlace } from '../timeline.ts';
import { CONSOLE_TOKEN, type ConsoleGreeting, readGreeting } from './greeting.ts';

export interface DoorOptions {
  readonly guest: JobGuest;
  readonly submission: Submission;
}

const GREETING_MS = 10_000;
/** Connections at once. Others than the owner can connect, and then are sent away; they must not fill the node with helpers. */
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
  readonly #open = new Map<UserChannel, Socket>();
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
    return new ConsoleDoor(options, server, { host: hostname(), socket });
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
    if (this.#sockets.size >= MOST) {
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => {});
    const late = setTimeout(() => socket.destroy(), GREETING_MS);
    try {
      const peer = await peerOf(join(programsDirectory, 'account'), socket);
      const { owner } = this.#options.guest.identity.context;
      if (peer !== owner.uid && peer !== 0) throw new Error(`uid ${peer} is not the owner of the job`);
      const greeting = await greetingFrom(socket);
      clearTimeout(late);
      await this.#serve(socket, greeting);
    } catch {
      // Whoever it is learns that nobody talks to him; the job has nothing to do with that.
    } finally {
      clearTimeout(late);
      socket.destroySoon();
    }
  }

  async #serve(socket: Socket, { wish, terminalType }: ConsoleGreeting): Promise<void> {
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
      const code = await this.#shell(channel, terminalType);
      channel.say({ kind: 'exit', code });
      this.#open.delete(channel);
      // A shell that ended because its connection was lost is nobody's wish.
      if (this.#keeping && this.#open.size === 0 && !channel.hungUp.aborted) this.#endWanted.resolve();
    } catch (error) {
      channel.print(`vtorque: ${messageOf(error)}\n`);
      channel.say({ kind: 'exit', code: HUNG_UP });
    } finally {
      this.#open.delete(channel);
    }
  }

  #shell(channel: UserChannel, terminalType: string): Promise<number> {
    const { guest, submission } = this.#options;
    const { request, shell, variables } = submission;
    return runShell({
      ...{ agent: guest.machine.agent, identity: guest.identity, files: guest.files, channel, env: {} },
      submission: { request, ...(shell === undefined ? {} : { shell }), variables, terminalType, token: CONSOLE_TOKEN },
    });
  }
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

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { messageOf, VtorqueError } from '../../base/index.ts';
import { type GuestAgent, GuestCallError, type GuestConnection } from '../../guest/linux/index.ts';
import type { GuestIdentity } from '../../node/guest/index.ts';
import { jobDirectory } from '../../node/guest/index.ts';
import {
  authorityFile,
  COOKIE_PROTOCOL,
  connectDisplay,
  cookieOf,
  type Display,
  FIRST_PORT,
  parseDisplay,
  readAuthority,
  SetupFilter,
} from '../../x11/index.ts';

/** The display that the batch system gave the job, with its secret. */
export interface JobDisplay {
  readonly display: Display;
  readonly cookie: Buffer;
}

/** As ssh does: the lower numbers are for servers that run in the guest. */
const FIRST_NUMBER = 10;
const NUMBERS = 100;
/** Leaves enough of the agent's streams for programs. */
const MAX_CONNECTIONS = 128;
/** For the first packet of a client, and for the display to answer. */
const SETUP_MS = 30_000;

/**
 * Find the job's display, and see that it answers.
 * @param env of the job on the node
 * @throws VtorqueError `E_DISPLAY`
 */
export async function jobDisplay(env: Readonly<Record<string, string>>): Promise<JobDisplay> {
  const { DISPLAY: name } = env;
  if (!name) {
    throw displayError(
      'Cannot forward X11: the job has no DISPLAY',
      'The batch system did not forward X11 to this node',
    );
  }
  const display = parseDisplay(name);
  if (display === undefined) {
    throw displayError(
      `Cannot use the display "${name}": not the name of a display`,
      'Set DISPLAY as in "localhost:10.0"',
    );
  }
  const cookie = await cookieOf(display, await readAuthority(env));
  if (cookie === undefined) {
    throw displayError(
      `Cannot use the display "${name}": no ${COOKIE_PROTOCOL} for it on the node`,
      '"xauth list" shows the displays for which there is one',
    );
  }
  (await connected(display)).destroy();
  return { display, cookie };
}

async function connected(display: Display): Promise<Socket> {
  const socket = connectDisplay(display);
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(SETUP_MS) });
    return socket;
  } catch (cause) {
    socket.on('error', () => {}).destroy();
    const name = `${display.host}:${display.number}`;
    throw displayError(`Cannot use the display "${name}": ${messageOf(cause)}`, 'Check that its X server runs', cause);
  }
}

function displayError(message: string, hint: string, cause?: unknown): VtorqueError {
  return new VtorqueError('E_DISPLAY', message, { hint, phase: 'plan', cause });
}

/**
 * Give the guest a display of its own, whose connections are carried to the job's for as long as the agent is there. The
 * guest gets a cookie that is worth something with this forwarding only.
 * @returns the variables that name the display to programs of the job's owner
 * @throws VtorqueError of the agent's calls
 */
export async function forwardDisplay(
  agent: GuestAgent,
  display: JobDisplay,
  { vm, context: { owner } }: Pick<GuestIdentity, 'vm' | 'context'>,
): Promise<Record<string, string>> {
  const given = randomBytes(16);
  const number = await listen(agent);
  const directory = `${jobDirectory}/x11`;
  const file = `${directory}/Xauthority`;
  const { uid, gid } = owner;
  await agent.batch((guest) => [
    // The owner's, since xauth makes files beside the one that it changes.
    guest.mkdir(directory, { mode: 0o700, uid, gid }),
    guest.writeFile(file, authorityFile(vm.name, number, COOKIE_PROTOCOL, given), { mode: 0o600, uid, gid }),
  ]);
  void acceptAll(agent, (connection) => carry(connection, display, given));
  return { DISPLAY: `localhost:${number}.${display.display.screen}`, XAUTHORITY: file };
}

async function listen(agent: GuestAgent): Promise<number> {
  for (let number = FIRST_NUMBER; ; number++) {
    try {
      await agent.listen(FIRST_PORT + number);
      return number;
    } catch (error) {
      const taken = error instanceof GuestCallError && error.errno === 'EADDRINUSE';
      if (!taken || number >= FIRST_NUMBER + NUMBERS) throw error;
    }
  }
}

async function acceptAll(agent: GuestAgent, take: (connection: GuestConnection) => Promise<void>): Promise<void> {
  const open = new Set<Promise<void>>();
  for (;;) {
    const connection = agent.accept();
    try {
      await connection.started;
    } catch {
      // The guest is gone, which ends the shell as well.
      return;
    }
    const carried = take(connection).finally(() => open.delete(carried));
    open.add(carried);
    if (open.size >= MAX_CONNECTIONS) await Promise.race(open);
  }
}

/** One connection, until both sides have ended. */
async function carry(connection: GuestConnection, { display, cookie }: JobDisplay, given: Buffer): Promise<void> {
  const { stdin, stdout } = connection;
  const late = setTimeout(() => connection.abort(), SETUP_MS);
  let server: Socket | undefined;
  try {
    const first = await firstPacket(stdout, new SetupFilter(given, cookie));
    if (first.kind === 'refuse') {
      stdin.end(first.answer);
      stdout.resume();
    } else {
      server = await connected(display);
      clearTimeout(late);
      server.write(first.bytes);
      await Promise.all([pipeline(stdout, server), pipeline(server, stdin)]);
    }
    await connection.exit;
  } catch {
    // A client or a server that breaks off; both see it.
  } finally {
    clearTimeout(late);
    connection.abort();
    server?.destroy();
  }
}

type FirstPacket = Exclude<ReturnType<SetupFilter['push']>, { readonly kind: 'more' }>;

async function firstPacket(stdout: GuestConnection['stdout'], filter: SetupFilter): Promise<FirstPacket> {
  for await (const chunk of stdout.iterator({ destroyOnReturn: false })) {
    const step = filter.push(chunk as Buffer);
    if (step.kind !== 'more') return step;
  }
  throw new Error('the client has ended before its first packet');
}

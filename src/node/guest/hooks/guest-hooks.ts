import { type Phase, VtorqueError } from '../../../base/index.ts';
import type { ExecSpec, GuestAgent } from '../../../guest/linux/index.ts';
import { guestEnvironment, systemEnvironment } from '../environment/index.ts';
import { guestGroups } from '../guest-groups.ts';
import type { GuestFiles, GuestIdentity } from '../guest-setup.ts';
import { jobDirectory } from '../kinds/index.ts';
import { limitsOfJob } from '../limits.ts';
import { type ArgumentFacts, epilogueArguments, prologueArguments } from './arguments.ts';
import { prologueFailed } from './errors.ts';
import type { HookName, HookOrders, HookReports, SiteHookName, UserHookName } from './orders.ts';
import { HookOutput } from './output.ts';
import { describeResult, type HookResult, runHook } from './run-hook.ts';
import type { SiteHooks } from './site-hooks.ts';

/** The guest in which hooks run, and all that they need. */
export interface HookedGuest {
  readonly agent: GuestAgent;
  readonly identity: GuestIdentity;
  readonly files: GuestFiles;
  readonly orders: HookOrders;
  readonly reports: HookReports;
  /** Wait for work with the guest, as long as it lives. */
  readonly watch: <T>(phase: Phase, work: Promise<T>) => Promise<T>;
}

const place = `${jobDirectory}/hooks`;
const rootPath = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

/** The hooks of one VM: the site's, as its root, and the user's, as he. */
export class GuestHooks {
  readonly #guest: HookedGuest;
  readonly #there: ReadonlySet<HookName>;
  #began = performance.now();
  #precancel: Promise<void> | undefined;
  #ending = false;

  private constructor(guest: HookedGuest, there: ReadonlySet<HookName>) {
    this.#guest = guest;
    this.#there = there;
  }

  /**
   * Bring the hooks into a guest that is set up, and run its prologues: the site's, then the user's.
   * @throws VtorqueError `E_PROLOGUE_REFUSED`, `E_PROLOGUE_FAILED` for a prologue that ended otherwise than with 0; `E_GUEST_LOST`
   */
  static async start(guest: HookedGuest, site: SiteHooks): Promise<GuestHooks> {
    const there = await guest.watch('guest', install(guest, site));
    const hooks = new GuestHooks(guest, there);
    await hooks.#prologue(hooks.#rank0 ? 'prologue' : 'prologue.parallel');
    await hooks.#prologue('vm_prologue');
    hooks.#began = performance.now();
    return hooks;
  }

  /** The job is to end by a signal; once. A hook that fails is told, and nothing else comes of it. */
  precancel(): Promise<void> {
    if (this.#ending) return Promise.resolve();
    this.#precancel ??= this.#behind('epilogue.precancel', this.#epilogueWords(0));
    return this.#precancel;
  }

  /**
   * Run what is due when the script has ended: the user's epilogue, then the site's. One that fails is told, and changes nothing.
   * @throws VtorqueError `E_GUEST_LOST`
   */
  async epilogues(exitCode: number): Promise<void> {
    const words = this.#epilogueWords(exitCode);
    this.#ending = true;
    await this.#precancel?.catch(() => {});
    await this.#behind('vm_epilogue', words);
    await this.#behind(this.#rank0 ? 'epilogue' : 'epilogue.parallel', words);
  }

  #epilogueWords(exitCode: number): string[] {
    return epilogueArguments(this.#facts(), { exitCode, ranMs: performance.now() - this.#began });
  }

  get #rank0(): boolean {
    return this.#guest.identity.vm.rank === 0;
  }

  #facts(): ArgumentFacts {
    const { identity, orders, files } = this.#guest;
    const { context, variables } = identity;
    return { context, job: orders.job, variables, script: files.script };
  }

  async #prologue(hook: HookName): Promise<void> {
    const ran = await this.#run(hook, prologueArguments(this.#facts()), 'guest');
    if (ran === undefined || (ran.result.kind === 'code' && ran.result.code === 0)) return;
    const { orders, identity } = this.#guest;
    const vm = identity.vm.name;
    throw prologueFailed({ ...ran, hook, vm, log: `${orders.logs}/${logFile(vm, hook)}` });
  }

  async #behind(hook: HookName, words: readonly string[]): Promise<void> {
    await this.#run(hook, words, 'tear-down');
  }

  async #run(
    hook: HookName,
    words: readonly string[],
    phase: Phase,
  ): Promise<{ readonly result: HookResult; readonly lines: readonly string[] } | undefined> {
    if (!this.#there.has(hook)) return undefined;
    const { agent, identity, orders, reports, watch } = this.#guest;
    const vm = identity.vm.name;
    const output = new HookOutput((bytes) => reports.log(logFile(vm, hook), bytes));
    const seconds = limitOf(hook, orders);
    const running = async (): Promise<HookResult> => {
      const spec = { ...(await this.#identityOf(hook)), argv: [`${place}/${hook}`, ...words] };
      return runHook(agent, spec, seconds, output);
    };
    const result = await watch(phase, running()).catch((error: unknown) => {
      throw whileRunning(error, hook, output.lines());
    });
    const good = result.kind === 'code' && result.code === 0;
    reports.ended({ vm, hook, how: describeResult(result), good });
    return { result, lines: output.lines() };
  }

  /** As whom, where, with which variables and limits a hook runs: the user's as his script does, the site's as Torque's hooks do. */
  async #identityOf(hook: HookName): Promise<Omit<ExecSpec, 'argv'>> {
    const { agent, identity, files } = this.#guest;
    const { owner, cwd, umask, env } = identity.context;
    if (isUsers(hook)) {
      const { uid, gid } = owner;
      const limits = await limitsOfJob(agent, env);
      return { uid, gid, groups: guestGroups(identity), cwd, umask, limits, env: guestEnvironment(identity, files) };
    }
    const login = { PATH: rootPath, LANG: 'C.UTF-8', HOME: '/root', USER: 'root', LOGNAME: 'root' };
    return { uid: 0, gid: 0, groups: [0], cwd: '/', env: { ...systemEnvironment(identity, files), ...login } };
  }
}

/** @returns the hooks that are there */
async function install({ agent, identity, orders }: HookedGuest, site: SiteHooks): Promise<Set<HookName>> {
  const { owner } = identity.context;
  const users = Object.entries(orders.user) as [UserHookName, HookOrders['user'][UserHookName]][];
  const wanted = users.filter(([, hook]) => hook?.where === 'all' || identity.vm.rank === 0);
  if (site.size + wanted.length === 0) return new Set();
  await agent.batch((guest) => [
    guest.mkdir(place, { mode: 0o755, uid: 0, gid: 0 }),
    ...[...site].map(([name, bytes]) => guest.writeFile(`${place}/${name}`, bytes, { mode: 0o700, uid: 0, gid: 0 })),
    ...wanted.map(([name, hook]) => {
      const bytes = Buffer.from(hook?.base64 ?? '', 'base64');
      return guest.writeFile(`${place}/${name}`, bytes, { mode: 0o700, uid: owner.uid, gid: owner.gid });
    }),
  ]);
  return new Set([...site.keys(), ...wanted.map(([name]) => name)]);
}

function isUsers(hook: HookName): hook is UserHookName {
  return hook === 'vm_prologue' || hook === 'vm_epilogue';
}

function limitOf(hook: UserHookName | SiteHookName, { limits }: HookOrders): number {
  if (hook === 'epilogue.precancel') return limits.precancel;
  return hook.includes('prologue') ? limits.prologue : limits.epilogue;
}

/** Of one hook in one VM. */
function logFile(vm: string, hook: HookName): string {
  return `${vm}.${hook}.log`;
}

/** A guest that is lost while a hook runs may have been ended by it. */
function whileRunning(error: unknown, hook: HookName, lines: readonly string[]): unknown {
  if (!(error instanceof VtorqueError)) return error;
  const { code, message, hint, phase, node, exitCode, details, cause } = error;
  const known = { ...(hint === undefined ? {} : { hint }), ...(phase === undefined ? {} : { phase }) };
  const told = [`while "${hook}" ran in it`, ...lines, ...details];
  return new VtorqueError(code, message, { ...known, node, exitCode, details: told, cause });
}

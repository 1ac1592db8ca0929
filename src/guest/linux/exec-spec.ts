import { PayloadWriter } from './wire.ts';

/** A program to be run in the guest. */
export interface ExecSpec {
  /** Absolute path, or a name looked up in the PATH of `env`; without it the first word of `argv`. */
  readonly program?: string;
  /** The arguments, the program's own name first. */
  readonly argv: readonly string[];
  /** The whole environment; nothing is added to it. */
  readonly env?: Readonly<Record<string, string>>;
  /** Working directory, entered as the user; `/` unless told. */
  readonly cwd?: string;
  /** The agent's own user (root) unless told. */
  readonly uid?: number;
  readonly gid?: number;
  /** Supplementary groups, all of them; the agent's own unless told. */
  readonly groups?: readonly number[];
  /** 0o022 unless told. */
  readonly umask?: number;
  /** `data`: what is written to `stdin`; `empty`: nothing, the default. A terminal always takes data. */
  readonly stdin?: 'data' | 'empty';
  /** Run at a terminal of this size; standard error is then part of standard output. */
  readonly tty?: { readonly columns: number; readonly rows: number };
  readonly limits?: readonly ResourceLimit[];
  /** Bytes of each output that may be under way or unread at a time; 1 MiB unless told. */
  readonly window?: number;
}

export interface ResourceLimit {
  readonly resource: keyof typeof resources;
  readonly soft: number | 'unlimited';
  readonly hard: number | 'unlimited';
}

/** setrlimit(2)'s numbers of Linux on x86 and ARM. */
const resources = {
  cpu: 0,
  fsize: 1,
  data: 2,
  stack: 3,
  core: 4,
  rss: 5,
  nproc: 6,
  nofile: 7,
  memlock: 8,
  as: 9,
  locks: 10,
  sigpending: 11,
  msgqueue: 12,
  nice: 13,
  rtprio: 14,
  rttime: 15,
} as const;

const asTheAgent = 0xffff_ffff;
const groupsOfTheAgent = 0xffff;

/** The payload of EXEC; it may be longer than one frame takes. */
export function execPayload(spec: ExecSpec, window: number): Buffer {
  const w = new PayloadWriter()
    .u8((spec.tty === undefined ? 0 : 1) | (spec.stdin === 'data' ? 2 : 0))
    .u16(spec.tty?.columns ?? 0)
    .u16(spec.tty?.rows ?? 0)
    .u32(spec.umask ?? 0o022)
    .u32(spec.uid ?? asTheAgent)
    .u32(spec.gid ?? asTheAgent)
    .u32(window)
    .u16(spec.argv.length)
    .u16(spec.groups?.length ?? groupsOfTheAgent);
  for (const group of spec.groups ?? []) w.u32(group);
  w.u16(spec.limits?.length ?? 0);
  for (const { resource, soft, hard } of spec.limits ?? []) {
    w.u8(resources[resource]).u64(limitValue(soft)).u64(limitValue(hard));
  }
  const env = Object.entries(spec.env ?? {}).map(([name, value]) => `${name}=${value}`);
  return w.list([spec.cwd ?? '/', spec.program ?? spec.argv[0] ?? '', ...spec.argv, ...env]).done();
}

function limitValue(value: number | 'unlimited'): bigint {
  return value === 'unlimited' ? 0xffff_ffff_ffff_ffffn : BigInt(value);
}

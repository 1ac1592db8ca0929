import { join } from 'node:path';
import type { Env } from '../../base/index.ts';
import { systemPlaces, userPlaces } from '../../site/index.ts';

/** Where an instance of the embedded batch system keeps its things: named as Torque names them, below one directory. */
export interface InstancePlaces {
  readonly dir: string;
  /** Queues and limits, written by whoever runs the instance; need not be there. */
  readonly settings: string;
  /** Clients connect here. */
  readonly socket: string;
  readonly database: string;
  /** Held locked by the daemon for as long as it lives. */
  readonly lock: string;
  readonly log: string;
  /** Scripts as they were submitted; closed to all. */
  readonly scripts: string;
  /** A file of accounting records per day. */
  readonly accounting: string;
  /** Half-arrived scripts; closed to all. */
  readonly incoming: string;
  /** What the shepherds read and write; closed to all. */
  readonly run: string;
  /** The site's hooks: prologue, epilogue and the others, by Torque's names. */
  readonly momPriv: string;
  /** Scripts of running jobs, which their owners run: they can be reached by name, not listed. */
  readonly jobs: string;
  /** Node files, readable by all. */
  readonly aux: string;
  readonly spool: string;
  readonly undelivered: string;
  /** The jobs' TMPDIRs. */
  readonly tmp: string;
}

export function instancePlaces(dir: string): InstancePlaces {
  const under = (path: string): string => join(dir, path);
  return {
    dir,
    settings: under('config.toml'),
    socket: under('socket'),
    database: under('server_priv/jobs.sqlite'),
    lock: under('server_priv/lock.sqlite'),
    log: under('server_priv/log'),
    scripts: under('server_priv/jobs'),
    accounting: under('server_priv/accounting'),
    incoming: under('server_priv/incoming'),
    run: under('server_priv/run'),
    momPriv: under('mom_priv'),
    jobs: under('mom_priv/jobs'),
    aux: under('aux'),
    spool: under('spool'),
    undelivered: under('undelivered'),
    tmp: under('tmp'),
  };
}

/** Every directory of an instance with its mode, parents first. */
export function directoriesOf(places: InstancePlaces): readonly (readonly [path: string, mode: number])[] {
  return [
    [places.dir, 0o755],
    [join(places.dir, 'server_priv'), 0o700],
    [places.scripts, 0o700],
    [places.accounting, 0o700],
    [places.incoming, 0o700],
    [places.run, 0o700],
    [places.momPriv, 0o711],
    [places.jobs, 0o711],
    [places.aux, 0o755],
    [places.spool, 0o711],
    [places.undelivered, 0o711],
    [places.tmp, 0o711],
  ];
}

/** The instance that a process of this user starts: the machine's as root, the user's own otherwise. */
export function ownInstance(env: Env, uid: number): string {
  return join((uid === 0 ? systemPlaces : userPlaces(env)).data, 'local');
}

/** The instances that a command may mean, most wanted first: the named one alone, else the machine's, else the user's own. */
export function instancesToTry(env: Env): readonly string[] {
  if (env.VTORQUE_LOCAL) return [env.VTORQUE_LOCAL];
  return [...new Set([join(systemPlaces.data, 'local'), join(userPlaces(env).data, 'local')])];
}

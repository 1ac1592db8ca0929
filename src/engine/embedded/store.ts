import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { messageOf, VtorqueError } from '../../base/index.ts';
import type { Job, Submission } from './job.ts';

const SCHEMA_VERSION = 1;
const SQLITE_BUSY = 5;

const SCHEMA = `
  CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS submission (sequence INTEGER PRIMARY KEY, data TEXT NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS job (
    id TEXT PRIMARY KEY, sequence INTEGER NOT NULL, position INTEGER NOT NULL, data TEXT NOT NULL
  ) STRICT;
`;

/** The jobs on disk. What a method has returned from survives any crash. */
export class Store implements Disposable {
  readonly #db: DatabaseSync;
  readonly #putJob: StatementSync;
  readonly #putSetting: StatementSync;

  /** @throws VtorqueError `E_LOCAL_STATE` when the file is damaged, or of a later version */
  constructor(path: string) {
    // FULL: a job whose id was printed is still there after a power failure.
    this.#db = openDatabase(path, `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; ${SCHEMA}`);
    this.#putJob = this.#db.prepare(
      'INSERT INTO job VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET data = excluded.data',
    );
    this.#putSetting = this.#db.prepare(
      'INSERT INTO setting VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
    );
    const version = this.setting('schema', String(SCHEMA_VERSION));
    if (version !== String(SCHEMA_VERSION)) {
      throw new VtorqueError(
        'E_LOCAL_STATE',
        `Cannot use "${path}": its version is ${version}, not ${SCHEMA_VERSION}`,
        {
          hint: 'Use the vTorque that wrote it, or start with another directory (--dir)',
        },
      );
    }
  }

  /** A setting; the first caller decides its value. */
  setting(name: string, first: string): string {
    const row = this.#db.prepare('SELECT value FROM setting WHERE name = ?').get(name);
    if (row !== undefined) return String(row.value);
    this.#putSetting.run(name, first);
    return first;
  }

  setSetting(name: string, value: string): void {
    this.#putSetting.run(name, value);
  }

  /** The next job number; never given twice. */
  nextSequence(): number {
    const next = Number(this.setting('next', '1'));
    this.#putSetting.run('next', String(next + 1));
    return next;
  }

  /** The number that the next job will get. */
  peekSequence(): number {
    return Number(this.setting('next', '1'));
  }

  /** All jobs in the order of their submission; the elements of an array share its submission. */
  load(): Job[] {
    const submissions = new Map<number, Submission>();
    for (const { sequence, data } of this.#db.prepare('SELECT * FROM submission').all()) {
      submissions.set(Number(sequence), JSON.parse(String(data)) as Submission);
    }
    return this.#db
      .prepare('SELECT data FROM job ORDER BY sequence, position')
      .all()
      .flatMap(({ data }) => {
        const job = JSON.parse(String(data)) as Omit<Job, 'submission'>;
        const submission = submissions.get(job.sequence);
        return submission === undefined ? [] : [{ ...job, submission: { ...submission, ...job.altered } }];
      });
  }

  /** Add a submission with its job, or its array and all elements; all or nothing. */
  add(submission: Submission, jobs: readonly Job[]): void {
    this.#transaction(() => {
      for (const { sequence } of jobs.slice(0, 1)) {
        this.#db.prepare('INSERT INTO submission VALUES (?, ?)').run(sequence, JSON.stringify(submission));
      }
      for (const job of jobs) this.save(job);
    });
  }

  save(job: Job): void {
    const { submission: _, ...data } = job;
    const position = typeof job.element === 'number' ? job.element : -1;
    this.#putJob.run(job.id, job.sequence, position, JSON.stringify(data));
  }

  saveAll(jobs: readonly Job[]): void {
    this.#transaction(() => {
      for (const job of jobs) this.save(job);
    });
  }

  /** Forget a submission and all its jobs. */
  remove(sequence: number): void {
    this.#transaction(() => {
      this.#db.prepare('DELETE FROM job WHERE sequence = ?').run(sequence);
      this.#db.prepare('DELETE FROM submission WHERE sequence = ?').run(sequence);
    });
  }

  #transaction(work: () => void): void {
    this.#db.exec('BEGIN IMMEDIATE');
    try {
      work();
      this.#db.exec('COMMIT');
    } catch (error) {
      this.#db.exec('ROLLBACK');
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#db.close();
  }
}

/**
 * Take the lock of an instance; the kernel releases it when this process ends, however it ends.
 * @throws VtorqueError `E_LOCAL_RUNNING` when another daemon has it
 */
export function lockInstance(path: string): Disposable {
  const db = openDatabase(path, 'PRAGMA journal_mode = DELETE; PRAGMA busy_timeout = 0; BEGIN EXCLUSIVE');
  return { [Symbol.dispose]: () => db.close() };
}

function openDatabase(path: string, prepare: string): DatabaseSync {
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    db.exec(prepare);
    return db;
  } catch (cause) {
    db?.close();
    if ((cause as { errcode?: number }).errcode === SQLITE_BUSY) {
      throw new VtorqueError('E_LOCAL_RUNNING', `Cannot use "${path}": another daemon has it locked`, {
        hint: 'Stop that one first: vtorque local stop',
        cause,
      });
    }
    throw new VtorqueError('E_LOCAL_STATE', `Cannot use "${path}": ${messageOf(cause)}`, {
      hint: 'See that its file system has room and can be written; if the file is damaged, start with another directory (--dir)',
      cause,
    });
  }
}

import type { Job } from './job.ts';
import type { Caller } from './operations.ts';
import { PBSE, PbsError } from './protocol.ts';

/** Bytes, about: what the batch system notes of a job or element besides what its user has said. */
const RECORD = 1024;

/**
 * How much of the batch system's own disk and memory the jobs of one user may take. What a job writes counts as its owner's for the kernel; scripts that wait, and
 * variables, are the batch system's, and where that is root's they would fill root's disk.
 */
export class UserRoom {
  readonly #limit: number;
  readonly #jobs: () => readonly Job[];
  /** By user: what arrives at this moment. */
  readonly #arriving = new Map<number, number>();

  /** @param limit bytes for each user but managers @param jobs all that there are */
  constructor(limit: number, jobs: () => readonly Job[]) {
    this.#limit = limit;
    this.#jobs = jobs;
  }

  /**
   * Set room aside for what arrives, until it is among the jobs or refused.
   * @throws PbsError when there is not so much left
   */
  reserve(caller: Caller, bytes: number): Disposable {
    const { uid } = caller;
    this.left(caller, uid).take(bytes);
    this.#arrives(uid, bytes);
    let held = bytes;
    return {
      [Symbol.dispose]: () => {
        this.#arrives(uid, -held);
        held = 0;
      },
    };
  }

  /** What a user's jobs may take besides what they do. Managers are not counted. */
  left(caller: Caller, uid: number): Left {
    if (caller.manager) return { take: () => {} };
    const taken = this.#jobs().reduce((total, job) => total + (job.owner.uid === uid ? takenBy(job) : 0), 0);
    let left = this.#limit - taken - (this.#arriving.get(uid) ?? 0);
    return {
      take: (bytes) => {
        if (bytes > 0 && bytes > left) throw tooMuch(bytes, left);
        left -= bytes;
      },
    };
  }

  #arrives(uid: number, bytes: number): void {
    const now = (this.#arriving.get(uid) ?? 0) + bytes;
    if (now > 0) this.#arriving.set(uid, now);
    else this.#arriving.delete(uid);
  }
}

export interface Left {
  /** @throws PbsError when there is not so much left */
  take(bytes: number): void;
}

function tooMuch(bytes: number, left: number): PbsError {
  const kb = (amount: number): string => `${Math.ceil(amount / 1024)}kb`;
  const room = left > 0 ? `${kb(left)} are left` : 'nothing is left';
  const why = `this takes ${kb(bytes)}, and ${room} of max_user_spool for scripts and variables of your jobs`;
  return new PbsError(PBSE.EXCQRESC, `Job exceeds queue resource limits MSG=${why}`);
}

/** What the elements of an array take. */
export function roomOfElements(count: number): number {
  return count * RECORD;
}

/** What a submission takes. @param script bytes of its script */
export function roomOf(submission: object, script: number): number {
  return RECORD + weightOf(submission) + script;
}

function takenBy(job: Job): number {
  const altered = job.altered === undefined ? 0 : weightOf(job.altered);
  // Elements share what their array was submitted with.
  if (typeof job.element === 'number') return RECORD + altered;
  return altered + roomOf(job.submission, job.state === 'C' ? 0 : (job.scriptBytes ?? 0));
}

const weights = new WeakMap<object, number>();

/** Bytes of all texts in what does not change any more. */
export function weightOf(value: object): number {
  const known = weights.get(value);
  if (known !== undefined) return known;
  const weight = sum(value);
  weights.set(value, weight);
  return weight;
}

function sum(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value) + 4;
  if (typeof value !== 'object' || value === null) return 8;
  return Object.entries(value).reduce((total, [key, each]) => total + key.length + sum(each), 0);
}

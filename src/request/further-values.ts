import { posix } from 'node:path';
import { VtorqueError } from '../base/index.ts';
import type { PinningFile } from './pinning-file.ts';
import { text, type ValueType, yesOrNo } from './values.ts';

/** One further folder of the host in the guest. */
export interface MountRequest {
  /** As written: absolute, or relative to where the job is submitted. */
  readonly host: string;
  /** Absolute, without `.` and `..`. */
  readonly guest: string;
  readonly readonly: boolean;
}

/** One variable for the script. */
export interface VariableRequest {
  readonly name: string;
  readonly value: string;
}

function refuse(key: string, value: string, state: string, hint: string, exitCode = 2): VtorqueError {
  return new VtorqueError('E_VM_VALUE', `Cannot use ${key}="${value}": ${state}`, { hint, phase: 'check', exitCode });
}

/** Directories of the guest's own that a folder on top would hide or break. */
const ofTheSystem =
  /^\/((bin|boot|dev|etc|lib|lib32|lib64|libx32|proc|sbin|sys|usr)(\/.*)?|home|root|run(\/lock|\/vtorque.*)?|tmp|var(\/(tmp|run|lib|log|cache))?)?$/;

/** `HOST:GUEST`, `HOST:GUEST:ro`. */
export function mountPair(): ValueType<MountRequest> {
  return {
    syntax: 'HOST:GUEST[:ro]',
    parse(value, key) {
      const write = `Write ${key}=HOST:GUEST or ${key}=HOST:GUEST:ro, for instance ${key}=/scratch/data:/data:ro`;
      const [host = '', target = '', access = 'rw', ...more] = text('').parse(value, key).split(':');
      if (host === '' || target === '' || more.length > 0) throw refuse(key, value, 'not HOST:GUEST', write);
      if (access !== 'ro' && access !== 'rw') throw refuse(key, value, `"${access}" is neither ro nor rw`, write);
      if (!target.startsWith('/')) throw refuse(key, value, `"${target}" is not an absolute path`, write);
      const guest = posix.normalize(target).replace(/(?<=.)\/$/, '');
      if (ofTheSystem.test(guest)) {
        const hint = 'Choose a directory of its own, for instance /data or /mnt/data';
        throw refuse(key, value, `"${guest}" belongs to the guest's own system`, hint, 1);
      }
      return { host, guest, readonly: access === 'ro' };
    },
  };
}

/** `NAME=VALUE`; the value may be empty. */
export function variable(): ValueType<VariableRequest> {
  return {
    syntax: 'NAME=VALUE',
    parse(value, key) {
      const [, name, content = ''] = /^([A-Za-z_]\w*)=(.*)$/s.exec(value) ?? [];
      const write = `Write ${key}=NAME=VALUE, for instance ${key}=OMP_NUM_THREADS=4`;
      if (name === undefined) throw refuse(key, value, 'not NAME=VALUE', write);
      if (content.includes('\0')) throw refuse(key, value, 'a NUL byte in it', write);
      if (/^PBS_/.test(name)) {
        throw refuse(key, value, `"${name}" is set by the batch system`, 'Choose a name without PBS_', 1);
      }
      return { name, value: content };
    },
  };
}

const maxMinutes = 7 * 24 * 60;

/** Minutes, a week at most. */
export function minutes(): ValueType<number> {
  return {
    syntax: 'MINUTES',
    parse(value, key) {
      const write = `Write ${key}=10 for ten minutes`;
      if (!/^\d+$/.test(value)) throw refuse(key, value, 'not a whole number of minutes', write);
      if (Number(value) > maxMinutes) throw refuse(key, value, `more than ${maxMinutes}, a week`, write, 1);
      return Number(value);
    },
  };
}

/** A script of the user's for his VMs. */
export interface HookRequest {
  /** As written: absolute, or relative to where the job is submitted. */
  readonly file: string;
  /** In which VMs it runs: in all, or in that of rank 0. */
  readonly where: 'all' | 'first';
}

/** `FILE`, `FILE:first`. */
export function hookFile(): ValueType<HookRequest> {
  return {
    syntax: 'FILE[:first]',
    parse(value, key) {
      const [, path = '', where = 'all'] = /^(.*?)(?::(all|first))?$/s.exec(text('').parse(value, key)) ?? [];
      if (path === '') throw refuse(key, value, 'no file', `Write ${key}=FILE or ${key}=FILE:first`);
      return { file: path, where: where === 'first' ? 'first' : 'all' };
    },
  };
}

/** A file by its name, with one of the given endings. */
export function file(...endings: readonly string[]): ValueType<string> {
  return {
    syntax: 'FILE',
    parse(value, key) {
      const path = text('').parse(value, key);
      if (endings.length === 0 || endings.some((ending) => path.endsWith(ending))) return path;
      throw refuse(key, value, `it does not end in ${endings.join(' or ')}`, `Write the path of such a file`);
    },
  };
}

/** Where virtual CPUs run: chosen, on no core of their own, or as a file says. */
export type PinningRequest = 'auto' | false | PinningFile;

/** `auto`, yes or no in every spelling, or the name of a file. */
export function pinning(): ValueType<PinningRequest> {
  const choice = yesOrNo();
  return {
    syntax: 'auto|false|FILE',
    words: ['auto', 'false'],
    parse(value, key) {
      if (value.toLowerCase() === 'auto') return 'auto';
      let chosen: boolean;
      try {
        chosen = choice.parse(value, key);
      } catch {
        return { file: file().parse(value, key) };
      }
      return chosen ? 'auto' : false;
    },
    warn: (value, key) => choice.warn?.(value, key),
  };
}

import { VtorqueError } from '../base/index.ts';
import { size, text, type ValueType } from './values.ts';

/** A further disk of a job: scratch of a size, or a file that stays; with both a file that is made if it is missing. */
export interface DiskRequest {
  /** As written: absolute, or relative to where the job is submitted. */
  readonly file?: string;
  /** Bytes. */
  readonly size?: number;
}

/** A small ext4 with its journal still has room for files. */
const least = size('16M');
const endings = /\.(img|qcow2|raw)$/;

/** `SIZE`, `FILE`, `FILE:SIZE`. */
export function dataDisk(): ValueType<DiskRequest> {
  return {
    syntax: 'SIZE|FILE[:SIZE]',
    parse(value, key) {
      const word = text('').parse(value, key);
      if (/^[-+.,]?\d[^/:]*$/.test(word) && !endings.test(word)) return { size: least.parse(word, key) };
      if (endings.test(word)) return { file: word };
      const [, file = '', asked = ''] = /^(.*):([^:/]*)$/.exec(word) ?? [];
      if (endings.test(file)) return { file, size: least.parse(asked, key) };
      throw new VtorqueError('E_VM_VALUE', `Cannot use ${key}="${value}": it does not end in .img or .qcow2 or .raw`, {
        hint: `Write ${key}=10G for scratch, ${key}=FILE.raw for a file, or ${key}=FILE.raw:10G for one that is made if it is missing`,
        phase: 'check',
        exitCode: 2,
      });
    },
  };
}

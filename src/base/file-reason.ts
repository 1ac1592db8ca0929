import { messageOf } from './errors.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file',
  EACCES: 'it is closed to you',
  EPERM: 'it is closed to you',
  EISDIR: 'it is a directory',
  ENOTDIR: 'what its path leads through is no directory',
  ELOOP: 'the links on its path lead round in circles',
  EROFS: 'its file system is read-only',
  ENOSPC: 'its file system is full',
};

/** Why a file of the user's cannot be used, for behind "Cannot ... FILE: ". */
export function fileReason(error: unknown): string {
  return REASONS[(error as NodeJS.ErrnoException).code ?? ''] ?? messageOf(error);
}

/**
 * Wait for `promise`, at most `ms` milliseconds and until `signal` is aborted.
 * @param late makes the error that a passed deadline throws; it is called then, so it can say what was last seen
 * @throws what `late` makes, the signal's reason, or what the promise rejects with
 */
export async function within<T>(
  promise: Promise<T>,
  { ms, late, signal }: { readonly ms: number; readonly late: () => Error; readonly signal?: AbortSignal | undefined },
): Promise<T> {
  // It may fail after this wait is over, when nobody listens any more.
  promise.catch(() => {});
  signal?.throwIfAborted();
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => reject(late()), ms);
  const abort = (): void => reject(signal?.reason);
  signal?.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  }
}

/**
 * Wait for `promise` until `signal` is aborted.
 * @throws the signal's reason, or what the promise rejects with
 */
export async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  promise.catch(() => {});
  signal.throwIfAborted();
  const { promise: stopped, reject } = Promise.withResolvers<never>();
  const abort = (): void => reject(signal.reason);
  signal.addEventListener('abort', abort, { once: true });
  try {
    return await Promise.race([promise, stopped]);
  } finally {
    signal.removeEventListener('abort', abort);
  }
}

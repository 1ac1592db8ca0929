/** What a long task tells about itself; the caller decides how it looks. */
export type ProgressEvent =
  | { readonly kind: 'start'; readonly stage: string }
  | { readonly kind: 'note'; readonly stage: string; readonly text: string }
  | { readonly kind: 'done'; readonly stage: string; readonly seconds: number }
  | { readonly kind: 'failed'; readonly stage: string; readonly seconds: number };

export type Progress = (event: ProgressEvent) => void;

/**
 * Do one stage and tell its start, its notes and its end.
 * @param work gets a function for notes; one that says the same again is not told.
 */
export async function runStage<T>(
  progress: Progress,
  stage: string,
  work: (note: (text: string) => void) => Promise<T>,
): Promise<T> {
  const from = performance.now();
  const seconds = (): number => (performance.now() - from) / 1000;
  progress({ kind: 'start', stage });
  let last = '';
  try {
    const result = await work((text) => {
      if (text !== last) progress({ kind: 'note', stage, text });
      last = text;
    });
    progress({ kind: 'done', stage, seconds: seconds() });
    return result;
  } catch (error) {
    progress({ kind: 'failed', stage, seconds: seconds() });
    throw error;
  }
}

import type { Progress, ProgressEvent } from '../image/index.ts';

/** The part of a stream that showing progress needs; `process.stderr` has it. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const FRAMES = '|/-\\';
const FRAME_MS = 120;

/**
 * Show the stages of a long task: on a terminal one line per stage that moves while it runs, elsewhere one line when a
 * stage begins that may take long, and one when it ends.
 * Dispose of it when the task has ended.
 */
export function showStages(stream: ProgressStream): { readonly progress: Progress } & Disposable {
  if (!stream.isTTY) return { progress: (event) => stream.write(plainLine(event)), [Symbol.dispose]: () => {} };
  let running: { stage: string; from: number; note: string } | undefined;
  let frame = 0;
  const draw = (): void => {
    if (running === undefined) return;
    frame = (frame + 1) % FRAMES.length;
    const seconds = Math.floor((performance.now() - running.from) / 1000);
    const line = `${FRAMES[frame]} ${running.stage} ${seconds} s${running.note === '' ? '' : `, ${running.note}`}`;
    stream.write(`\r\x1b[K${line.slice(0, (stream.columns ?? 80) - 1)}`);
  };
  const timer = setInterval(draw, FRAME_MS);
  // Showing progress must not keep a finished command alive.
  timer.unref();
  const clear = (): void => {
    if (running !== undefined) stream.write('\r\x1b[K');
    running = undefined;
  };
  return {
    progress: (event) => {
      if (event.kind === 'start') running = { stage: event.stage, from: performance.now(), note: '' };
      else if (event.kind === 'note')
        running = { ...(running ?? { from: performance.now() }), stage: event.stage, note: event.text };
      else {
        clear();
        stream.write(endLine(event));
      }
      draw();
    },
    [Symbol.dispose]: () => {
      clearInterval(timer);
      clear();
    },
  };
}

function plainLine(event: ProgressEvent): string {
  switch (event.kind) {
    case 'start':
      return `   ${event.stage} ...\n`;
    case 'note':
      return /^\d+ %$/.test(event.text) ? '' : `      ${event.text}\n`;
    default:
      return endLine(event);
  }
}

function endLine(event: Extract<ProgressEvent, { kind: 'done' | 'failed' }>): string {
  return `${event.kind === 'done' ? 'ok' : '!!'} ${event.stage} ${event.seconds.toFixed(1)} s\n`;
}

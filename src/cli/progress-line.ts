import type { Clock } from '../runtime/clock.ts';
import { cutText } from './safe-text.ts';
import type { Sink } from './terminal.ts';

const REDRAW_MS = 100;

/** One line on standard error that is drawn over itself; nothing at all when that is no terminal. */
export interface ProgressLine {
  update(text: () => string): void;
  /** Removes the line, so that a message can stand in its place; the next update draws it again. */
  clear(): void;
}

export function progressLine(sink: Sink, clock: Clock): ProgressLine {
  let drawnAt = Number.NEGATIVE_INFINITY;
  let shown = false;
  return {
    update: (text) => {
      if (!sink.isTerminal || clock.monotonic() - drawnAt < REDRAW_MS) return;
      drawnAt = clock.monotonic();
      shown = true;
      sink.write(`\r\u001b[K${cutText(text(), sink.columns - 1)}`);
    },
    clear: () => {
      if (shown) sink.write('\r\u001b[K');
      shown = false;
      drawnAt = Number.NEGATIVE_INFINITY;
    },
  };
}

/** `████░░░░ 52 %`. */
export function bar(part: number, columns = 20): string {
  const share = Math.min(1, Math.max(0, part));
  const full = Math.round(share * columns);
  return `${'█'.repeat(full)}${'░'.repeat(columns - full)} ${Math.floor(share * 100)} %`;
}

/** A history for people: one line a thing that happened, in the order in which it did. */

import type { HistoryLine } from '../../src/history/line.ts';

/** Calls that say nothing of a job. */
const DULL = new Set(['row', 'dump', 'scope', 'watch', 'beat', 'history']);

export interface TraceOptions {
  /** Only what names this job (or whatever text). */
  readonly about?: string;
  /** Also what hardly ever matters. */
  readonly isWhole?: boolean;
}

export function traceOf(
  lines: readonly HistoryLine[],
  { about, isWhole = false }: TraceOptions = {},
): string[] {
  const begins = new Map(lines.map((line) => [`${line.process} ${line.seq}`, line]));
  return lines.flatMap((line) => {
    const begin = line.call === undefined ? undefined : begins.get(`${line.process} ${line.call}`);
    if (!isWhole && (DULL.has(line.op) || isEmptyUpkeep(line))) return [];
    const text = `${JSON.stringify(begin?.args ?? null)} ${JSON.stringify(line)}`;
    const isFault = line.op.startsWith('fault');
    if (about !== undefined && !isFault && !text.includes(about)) return [];
    return [`${line.mono.toFixed(1).padStart(9)}  ${line.process.padEnd(8)} ${shown(line, begin)}`];
  });
}

function isEmptyUpkeep({ op, kind, answer }: HistoryLine): boolean {
  if (op !== 'upkeep') return false;
  if (kind === 'invoke') return true;
  const report = answer as {
    promoted?: number;
    reclaimed?: readonly unknown[];
    expired?: number;
    operated?: number;
  };
  return (
    (report.promoted ?? 0) +
      (report.reclaimed?.length ?? 0) +
      (report.expired ?? 0) +
      (report.operated ?? 0) ===
    0
  );
}

function shown({ kind, op, seq, args, answer, call }: HistoryLine, begin: HistoryLine | undefined): string {
  if (kind === 'invoke') return `${op} #${seq} ${short(args)}`;
  if (kind === 'event') return `* ${op} ${short(args)}`;
  const tookMs = begin === undefined ? '' : '';
  return `  ${op} #${call} ${kind}${tookMs} ${short(answer)}`;
}

/** Digests and ids are cut: their ends tell them apart. */
function short(value: unknown): string {
  return JSON.stringify(value ?? null)
    .replace(/"[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{6}([\da-f]{6})"/g, '…$1')
    .replace(/"(w\d+\.\d+):\d+:[\da-f-]+"/g, '$1')
    .replace(/"body":"[\da-f]+",?|"(rank|addedAt|claimedAt|readyAt)":[-\d]+,?/g, '')
    .replaceAll('"', '');
}

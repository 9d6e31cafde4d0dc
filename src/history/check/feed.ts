/** S22: the feed of changes tells every one of them, in order, and only what can happen. */

import type { ChangeKind } from '../../store/store.ts';
import type { HistoryLine } from '../line.ts';
import type { Evidence } from './evidence.ts';
import { type Check, Findings, type Verdict } from './report.ts';

interface LoggedChange {
  readonly cursor: number;
  readonly kind: ChangeKind;
  readonly queue: string;
  readonly id: string;
}

interface Page {
  readonly queues: readonly string[];
  readonly after: number;
  readonly cursor: number;
  readonly complete: boolean;
  readonly changes: readonly LoggedChange[];
  readonly line: HistoryLine;
}

function pagesOf(evidence: Evidence): Page[] {
  return evidence.calls.flatMap(({ begin, end }) => {
    if (begin.op !== 'feed' || end?.kind !== 'ok') return [];
    const { queues, after } = begin.args as { readonly queues: string[]; readonly after: number | null };
    if (after === null) return [];
    const { cursor, complete, changes } = end.answer as Pick<Page, 'cursor' | 'complete' | 'changes'>;
    return [{ queues, after, cursor, complete, changes, line: end }];
  });
}

const OPEN: readonly ChangeKind[] = ['added', 'waiting', 'delayed', 'retried', 'released', 'reclaimed'];
const OVER: readonly ChangeKind[] = ['completed', 'failed', 'cancelled'];
const BY_HOLDER: readonly ChangeKind[] = ['progress', 'completed', 'retried', 'released', 'reclaimed'];

/** What cannot follow upon a change of the same job. */
function cannotFollow(before: ChangeKind, next: ChangeKind): boolean {
  if (next === 'duplicate' || before === 'duplicate' || next === 'removed') return false;
  if (before === 'removed') return next !== 'added';
  if (OVER.includes(before)) return next !== 'waiting' && next !== 'added';
  if (OPEN.includes(before)) return BY_HOLDER.includes(next) || next === 'added';
  return (before === 'active' || before === 'progress') && (next === 'active' || next === 'added');
}

function judgeFeed(evidence: Evidence): Verdict {
  const findings = new Findings('S22');
  const pages = pagesOf(evidence);
  const known = new Map<number, { readonly change: LoggedChange; readonly line: HistoryLine }>();
  for (const { changes, after, cursor, line } of pages) {
    let last = after;
    const before = new Map<string, ChangeKind>();
    for (const change of changes) {
      const key = `${change.queue}/${change.id}`;
      const earlier = before.get(key);
      findings.expect(
        change.cursor > last && change.cursor <= cursor,
        () => `change ${change.cursor} is out of order`,
        [line],
      );
      findings.expect(
        earlier === undefined || change.id === '' || !cannotFollow(earlier, change.kind),
        () => `job ${key} went from ${earlier} to ${change.kind}`,
        [line],
      );
      const same = known.get(change.cursor);
      findings.expect(
        same === undefined || JSON.stringify(same.change) === JSON.stringify(change),
        () => `change ${change.cursor} was told in two ways`,
        [same?.line, line],
      );
      known.set(change.cursor, { change, line });
      before.set(key, change.kind);
      last = change.cursor;
    }
  }
  judgeGaps(pages, known, findings);
  return findings.verdict;
}

/** What one reader was told of its queues, every other one that reads past it is told, too. */
function judgeGaps(
  pages: readonly Page[],
  known: ReadonlyMap<number, { readonly change: LoggedChange; readonly line: HistoryLine }>,
  findings: Findings,
): void {
  const sorted = [...known.values()].sort((one, other) => one.change.cursor - other.change.cursor);
  for (const { queues, after, cursor, complete, changes, line } of pages) {
    if (!complete) continue;
    const told = new Set(changes.map((change) => change.cursor));
    for (let at = firstAfter(sorted, after); at < sorted.length; at++) {
      const other = sorted[at];
      if (other === undefined || other.change.cursor > cursor) break;
      if (!queues.includes(other.change.queue)) continue;
      findings.expect(told.has(other.change.cursor), () => `change ${other.change.cursor} was left out`, [
        other.line,
        line,
      ]);
    }
  }
}

function firstAfter(sorted: readonly { readonly change: LoggedChange }[], cursor: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle]?.change.cursor ?? 0) > cursor) high = middle;
    else low = middle + 1;
  }
  return low;
}

export const feed: Check = {
  id: 'S22',
  promise: 'the feed of changes leaves nothing out and tells only what can happen',
  judge: judgeFeed,
};

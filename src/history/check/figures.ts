import { duplicatesOf } from './duplicates.ts';
import { acceptedOf } from './ends.ts';
import type { Evidence } from './evidence.ts';
import { recoveriesOf } from './recovery.ts';
import type { Figures, Violation } from './report.ts';

const LATE = ['expired', 'superseded', 'gone'];

export function figuresOf(evidence: Evidence, violations: readonly Violation[]): Figures {
  const { lines, processes, calls, grants, runs, reclaimed } = evidence;
  return {
    lines: lines.length,
    processes: processes.size,
    calls: countCalls(calls),
    jobsAcknowledged: countAcknowledged(evidence),
    claims: grants.size,
    runs: runs.size,
    reclaimed: reclaimed.size,
    faults: tally(evidence.faults.map(({ fault }) => fault)),
    lateWrites: countLate(evidence, violations),
    duplicates: countDuplicates(evidence),
    recoveryMs: recoveriesOf(evidence)
      .map(({ tookMs }) => tookMs)
      .sort((one, other) => one - other),
  };
}

function countCalls(calls: Evidence['calls']): Figures['calls'] {
  const ends = { ok: 0, refused: 0, unknown: 0 };
  for (const { end } of calls) {
    if (end?.kind === 'ok') ends.ok++;
    else if (end?.kind === 'fail') ends.refused++;
    else ends.unknown++;
  }
  return ends;
}

function countAcknowledged({ adds }: Evidence): number {
  let count = 0;
  for (const added of adds.values()) {
    if (added.some(({ outcome }) => outcome === 'created' || outcome === 'acknowledged')) count++;
  }
  return count;
}

/** A renewal that crosses the settlement of its own job on the way is refused, too, but comes too late for nothing. */
function countLate(evidence: Evidence, violations: readonly Violation[]): Figures['lateWrites'] {
  const { settled, writes } = evidence;
  let refused = 0;
  for (const token of new Set([...settled.keys(), ...writes.keys()])) {
    if (acceptedOf(evidence, token) !== null) continue;
    const all = [...(settled.get(token) ?? []), ...(writes.get(token) ?? [])];
    refused += all.filter(({ outcome }) => LATE.includes(outcome)).length;
  }
  return { attempted: refused + violations.filter(({ check }) => check === 'S7').length, refused };
}

function countDuplicates(evidence: Evidence): Figures['duplicates'] {
  const causes = duplicatesOf(evidence).map(({ cause }) => cause);
  const explained = causes.filter((cause) => cause !== null);
  return { explained: tally(explained), unexplained: causes.length - explained.length };
}

function tally(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}

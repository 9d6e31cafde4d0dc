/** D1: a job that ran twice in one generation did so for a reason that can be named. */

import type { HistoryLine } from '../line.ts';
import { endingOf, endOf } from './ends.ts';
import { type Evidence, type Fault, firstCall, type Grant, keyOf, type Run } from './evidence.ts';
import { push } from './push.ts';
import { type Check, Findings, type Verdict } from './report.ts';

/** One run too many, and what is to blame for it; null when nothing is. */
export interface Duplicate {
  readonly earlier: Grant;
  readonly later: Grant;
  readonly cause: string | null;
  readonly lines: readonly (HistoryLine | null)[];
}

/** Claims stand for runs where runs were not recorded. */
export function duplicatesOf(evidence: Evidence): Duplicate[] {
  const causes = new Causes(evidence);
  const all = evidence.runs.size === 0;
  return evidence.lives.flatMap((life) => {
    const ran = all ? life : life.filter(({ token }) => evidence.runs.has(token));
    return ran.slice(1).flatMap((later, index) => {
      const earlier = ran[index];
      if (earlier === undefined || earlier.generation !== later.generation) return [];
      return again(evidence, causes, { earlier, later });
    });
  });
}

function again(
  evidence: Evidence,
  causes: Causes,
  { earlier, later }: { readonly earlier: Grant; readonly later: Grant },
): Duplicate[] {
  const end = endOf(evidence, earlier);
  const goesOn = ['retry', 'released', 'parked'];
  if (end.how === 'settled' && goesOn.includes(end.settled.settlement.to)) return [];
  const perhaps = evidence.settled
    .get(earlier.token)
    ?.some(({ outcome, settlement }) => outcome === 'unknown' && goesOn.includes(settlement.to));
  if (end.how === 'unknown' && perhaps === true) return [];
  const lines = [firstCall(earlier).end, firstCall(later).end];
  if (end.how === 'settled') return [{ earlier, later, cause: null, lines }];
  const mayBeHandedBack = end.how === 'unknown' && endingOf(evidence, earlier) !== null;
  const wasShut = end.how === 'handed-back' || mayBeHandedBack;
  const cause = wasShut ? 'shutdown' : causes.of(earlier, later);
  return [{ earlier, later, cause, lines }];
}

/** What happened to whom, and when. */
class Causes {
  readonly #evidence: Evidence;
  readonly #faults = new Map<string, Fault[]>();
  readonly #gaps: ReadonlyMap<string, readonly Gap[]>;

  constructor(evidence: Evidence) {
    this.#evidence = evidence;
    for (const fault of evidence.faults) push(this.#faults, String(fault.target), fault);
    this.#gaps = evidence.scope.faultsKnown === true ? new Map() : gapsOf(evidence);
  }

  of(earlier: Grant, later: Grant): string | null {
    const { at } = this.#evidence;
    const call = firstCall(earlier);
    const untilAt = at(firstCall(later).end ?? firstCall(later).begin);
    const fault = this.#faultsOf(call.begin.process).find(
      ({ begin, end }) => at(begin) <= untilAt && (end === null || at(end) >= at(call.begin)),
    );
    if (fault !== undefined) return fault.fault;
    return this.#evidence.scope.faultsKnown === true ? null : this.#ownTraces(earlier, untilAt);
  }

  #faultsOf(process: string): Fault[] {
    const pid = this.#evidence.processes.get(process)?.head?.pid;
    return [process, String(pid), '*'].flatMap((target) => this.#faults.get(target) ?? []);
  }

  /** Where nobody wrote down what was done to it, a process's own history tells: it broke off, or stood still. */
  #ownTraces(earlier: Grant, untilAt: number): string | null {
    const { at, processes } = this.#evidence;
    const call = firstCall(earlier);
    const process = processes.get(call.begin.process);
    if (process !== undefined && !process.closed && at(process.last) < untilAt) return 'died';
    const leaseMs = earlier.claim.leaseMs ?? DEFAULT_LEASE_MS;
    const gap = (this.#gaps.get(call.begin.process) ?? []).find(
      ({ fromAt, toAt }) => toAt >= at(call.begin) && fromAt <= untilAt && toAt - fromAt >= leaseMs * SILENCE,
    );
    if (gap !== undefined) return 'stood still';
    const renewals = this.#evidence.writes.get(earlier.token) ?? [];
    return renewals.some(({ op, outcome }) => op === 'renew' && outcome !== 'ok') ? 'could not renew' : null;
  }
}

/** For leases that are bound to a session. */
const DEFAULT_LEASE_MS = 30_000;
/** A worker renews three times a lease; one that says nothing for this part of a lease did not. */
const SILENCE = 0.6;
/** Shorter silences are not worth remembering. */
const MIN_GAP_MS = 250;

interface Gap {
  readonly fromAt: number;
  readonly toAt: number;
}

function gapsOf({ lines, at }: Evidence): Map<string, Gap[]> {
  const gaps = new Map<string, Gap[]>();
  const last = new Map<string, number>();
  for (const line of lines) {
    const toAt = at(line);
    const fromAt = last.get(line.process) ?? toAt;
    if (toAt - fromAt > MIN_GAP_MS) push(gaps, line.process, { fromAt, toAt });
    last.set(line.process, toAt);
  }
  return gaps;
}

function judgeDuplicates(evidence: Evidence): Verdict {
  const findings = new Findings('D1');
  for (const [token, runs] of evidence.runs) {
    const [first, second] = runs;
    findings.expect(
      second === undefined,
      () => `token ${token} (${name(first)}) was run ${runs.length} times`,
      [first?.start, second?.start],
    );
  }
  for (const { earlier, later, cause, lines } of duplicatesOf(evidence)) {
    findings.expect(
      cause !== null,
      () =>
        `job ${keyOf(earlier)} ran with token ${earlier.token} and again with ${later.token}, for no known reason`,
      lines,
    );
  }
  return findings.verdict;
}

function name(run: Run | undefined): string {
  return run === undefined ? 'no job' : keyOf(run);
}

export const duplicates: Check = {
  id: 'D1',
  promise: 'every job that ran twice has a fault that explains it',
  judge: judgeDuplicates,
};

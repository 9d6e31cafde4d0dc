/** S13 and S14: who was there first, or matters more, is claimed first. */

import { mayClaim } from './collect.ts';
import {
  type Added,
  type Call,
  type Evidence,
  firstCall,
  type Grant,
  keyOf,
  lastDump,
  lineBefore,
} from './evidence.ts';
import { push } from './push.ts';
import { type Check, Findings, type Verdict } from './report.ts';

/** A job that waited from its adding to its first claim, with nothing done to it in between. */
interface Waiter {
  readonly name: string;
  readonly added: Added;
  readonly addedBy: number;
  readonly priority: number;
  /** Infinity: it waits still. */
  readonly token: number;
  readonly grant: Grant | null;
}

function waitersByQueue(evidence: Evidence): Map<string, Waiter[]> {
  const queues = new Map<string, Waiter[]>();
  if ((evidence.queueMoves.get('*') ?? []).length > 0) return queues;
  const firsts = new Map(
    evidence.lives.flatMap(([grant]) => (grant?.claims === 1 ? [[keyOf(grant), grant] as const] : [])),
  );
  for (const [key, all] of evidence.adds) {
    const added = plainAdd(evidence, key, all);
    if (added === null || added.call.end === null) continue;
    const grant = firsts.get(key) ?? null;
    if (grant === null && !stillWaits(evidence, key)) continue;
    const { queue, priority = 0 } = added.job;
    const token = grant?.token ?? Number.POSITIVE_INFINITY;
    push(queues, queue, { name: key, added, addedBy: evidence.at(added.call.end), priority, token, grant });
  }
  return queues;
}

function stillWaits(evidence: Evidence, key: string): boolean {
  const job = lastDump(evidence)?.jobs.get(key);
  return job?.state === 'waiting' && job.claims === 0 && job.generation === 1;
}

function plainAdd(evidence: Evidence, key: string, all: readonly Added[]): Added | null {
  const made = all.filter(({ outcome }) => outcome !== 'duplicate' && outcome !== 'refused');
  const [added] = made;
  if (added === undefined || made.length > 1 || added.outcome !== 'created') return null;
  const { delayMs, lifo, ttlMs } = added.job;
  const isPlain = delayMs === undefined && lifo === undefined && ttlMs === undefined;
  return isPlain && !evidence.moves.has(key) ? added : null;
}

/** From the last token to the first: of those that came later, the one that had been added earliest. */
function judgeOrder(
  evidence: Evidence,
  findings: Findings,
  rule: (later: Waiter, grant: Grant, waiter: Waiter) => string | null,
  candidates: (seen: Earliest, waiter: Waiter) => Waiter | null,
): Verdict {
  const passes = passesOf(evidence);
  for (const waiters of waitersByQueue(evidence).values()) {
    waiters.sort((one, other) => (one.token < other.token ? 1 : -1));
    const seen = new Earliest([...new Set(waiters.map(({ priority }) => priority))]);
    for (const waiter of waiters) {
      const later = waiter.grant === null ? null : candidates(seen, waiter);
      if (waiter.grant !== null) {
        const found = later === null ? null : rule(later, waiter.grant, waiter);
        const wrong = found === null || passes(waiter.grant) ? null : found;
        const lines = [later?.added.call.end, waiter.added.call.end, firstCall(waiter.grant).end];
        findings.expect(wrong === null, () => wrong ?? '', lines);
      }
      seen.take(waiter);
    }
  }
  return findings.verdict;
}

/** Per priority, and over all up to a priority, the one that was added earliest: a Fenwick tree of minima. */
class Earliest {
  readonly #places: ReadonlyMap<number, number>;
  readonly #tree: (Waiter | null)[];
  readonly #own = new Map<number, Waiter>();

  constructor(priorities: readonly number[]) {
    const sorted = [...priorities].sort((one, other) => one - other);
    this.#places = new Map(sorted.map((priority, index) => [priority, index + 1]));
    this.#tree = new Array<Waiter | null>(sorted.length + 1).fill(null);
  }

  take(waiter: Waiter): void {
    const own = this.#own.get(waiter.priority);
    if (own === undefined || waiter.addedBy < own.addedBy) this.#own.set(waiter.priority, waiter);
    for (let at = this.#placeOf(waiter); at < this.#tree.length; at += at & -at) {
      const known = this.#tree[at] ?? null;
      if (known === null || waiter.addedBy < known.addedBy) this.#tree[at] = waiter;
    }
  }

  ofSame({ priority }: Waiter): Waiter | null {
    return this.#own.get(priority) ?? null;
  }

  /** Of those that go before this one's priority. */
  ofBetter(waiter: Waiter): Waiter | null {
    let earliest: Waiter | null = null;
    for (let at = this.#placeOf(waiter) - 1; at > 0; at -= at & -at) {
      const known = this.#tree[at] ?? null;
      if (known !== null && (earliest === null || known.addedBy < earliest.addedBy)) earliest = known;
    }
    return earliest;
  }

  #placeOf({ priority }: Waiter): number {
    return this.#places.get(priority) ?? 0;
  }
}

function beganBy(evidence: Evidence, grant: Grant): Call {
  return evidence.claims.get(grant.claim.claimId) ?? firstCall(grant);
}

/** A call without an answer goes on in the server for as long. */
const UNANSWERED_MS = 10_000;

/**
 * Whether the order of this claim tells nothing. The server of many does not let claims wait for each other: who claims
 * takes the first that nobody else has in his hands. While another claim is under way it may have any, and it takes
 * not all of them, or dies of it, or gives way.
 */
function passesOf(evidence: Evidence): (grant: Grant) => boolean {
  const isSerial = ![...evidence.processes.values()].some(({ head }) => head?.store === 'postgres');
  if (isSerial) return () => false;
  const begun = ({ begin }: Call): number => evidence.at(begin);
  const ended = (call: Call): number => {
    const { end } = call;
    return end === null || end.kind === 'info' ? begun(call) + UNANSWERED_MS : evidence.at(end);
  };
  const claims = evidence.calls.filter(mayClaim);
  return (grant) => {
    const own = new Set([beganBy(evidence, grant), ...grant.calls]);
    const [first = firstCall(grant)] = own;
    const last = firstCall(grant);
    return claims.some((call) => !own.has(call) && begun(call) <= ended(last) && begun(first) <= ended(call));
  };
}

function wasThere(evidence: Evidence, { added }: Waiter, call: Call): boolean {
  return added.call.end !== null && lineBefore(evidence, added.call.end, call.begin);
}

export const priorities: Check = {
  id: 'S13',
  promise: 'no job is claimed while one of higher priority waits',
  judge: (evidence) =>
    judgeOrder(
      evidence,
      new Findings('S13'),
      (better, grant, { name }) =>
        wasThere(evidence, better, beganBy(evidence, grant))
          ? `job ${name} of priority ${grant.priority ?? 0} was claimed while ${better.name} of ${better.priority} waited`
          : null,
      (seen, waiter) => seen.ofBetter(waiter),
    ),
};

export const firstComes: Check = {
  id: 'S14',
  promise: 'jobs of one priority are claimed in the order in which they were added',
  judge: (evidence) =>
    judgeOrder(
      evidence,
      new Findings('S14'),
      (first, _, { name, added }) =>
        wasThere(evidence, first, added.call)
          ? `job ${name} was claimed before ${first.name}, which had been added before it`
          : null,
      (seen, waiter) => seen.ofSame(waiter),
    ),
};

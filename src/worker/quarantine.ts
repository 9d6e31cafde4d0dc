/**
 * Suspects run alone: a job that was there when two processes died, or the job beside it, is what ended them. While
 * it runs nothing else begins in its process, and the store knows it before the processor begins. If the process
 * dies now, it is clear whose doing it was, and only then may the job become a dead letter for it.
 *
 * Nobody is held up for ever. A suspect that the process has no quiet moment for is handed back for a while, and one
 * that runs for long gets company again; the time that it has alone doubles with its crashes.
 */

import type { JobRecord, LeaseRef } from '../job/record.ts';
import type { Clock, Timer } from '../runtime/clock.ts';
import type { Claimed, Effect, MoveOutcome } from '../store/store.ts';
import type { Gate } from './gate.ts';
import { aloneMs, isSuspect, needsProcess } from './suspect.ts';

export interface QuarantineOptions {
  readonly gate: Gate;
  readonly clock: Clock;
  readonly leaseMs: number;
  /** The processor runs in a child, where a suspect has a process of its own. */
  readonly inChild: boolean;
  readonly apply: (effect: Extract<Effect, { readonly op: 'isolate' }>) => Promise<MoveOutcome>;
}

/** Who wants to begin. */
export interface Candidate {
  readonly claimed: Claimed;
  /** Aborts when there is no use in waiting any more. */
  readonly signal: AbortSignal;
}

/** Leave to begin; to be given back once the store has the end. */
export interface Stay {
  leave(): void;
}

/** What is left of its time when the store ends a lease for its timeout is the time to begin in. */
const BEFORE_DEADLINE_MS = 4_000;
const MAX_DOUBLINGS = 5;
const MAX_HAND_BACK_MS = 15 * 60_000;

export class Quarantine {
  readonly #options: QuarantineOptions;
  /** The same for all: most attempts are of this kind. */
  readonly #inCompany: Stay;

  constructor(options: QuarantineOptions) {
    const { gate } = options;
    this.#options = options;
    this.#inCompany = { leave: () => gate.leave() };
  }

  /** More work is welcome in this process. */
  get isOpen(): boolean {
    return this.#options.gate.isOpen;
  }

  onOpen(listener: () => void): () => void {
    return this.#options.gate.onOpen(listener);
  }

  /** For most: at once. Null when the candidate has to wait. */
  enter({ claimed }: Candidate): Stay | null {
    const { gate } = this.#options;
    if (gate.isTaken || this.#mustBeAlone(claimed.job)) return null;
    gate.enter();
    return this.#inCompany;
  }

  /** For who had to wait. Null: not here, not now; hand it back. Never rejects. */
  async wait(candidate: Candidate): Promise<Stay | null> {
    const { gate, clock, leaseMs } = this.#options;
    const { job, settled } = candidate.claimed;
    // What is completed already can only run here and now, or never.
    if (!this.#mustBeAlone(job)) return settled ? this.#waitInCompany() : null;
    const waitMs = Math.min(leaseMs, (job.policy.timeoutMs ?? leaseMs) + BEFORE_DEADLINE_MS);
    if (!(await gate.beAlone(clock, waitMs, candidate.signal))) return null;
    if (await this.#isKnown(candidate)) return this.#alone(candidate);
    gate.leaveAlone();
    return null;
  }

  /** How long a job that is handed back stays away: the oftener it was, the longer, so that it does not stall all. */
  handBackMs({ claimed }: Candidate): number {
    const { job } = claimed;
    if (!this.#mustBeAlone(job)) return 0;
    const handedBack = Math.max(0, job.claims - 1 - job.crashes - job.failures);
    return Math.min(this.#options.leaseMs * 2 ** Math.min(handedBack, MAX_DOUBLINGS), MAX_HAND_BACK_MS);
  }

  /** A child of its own is enough for a suspect, unless the process dies all the same: by want of memory, say. */
  #mustBeAlone(job: JobRecord): boolean {
    return this.#options.inChild ? needsProcess(job) : isSuspect(job);
  }

  async #waitInCompany(): Promise<Stay> {
    const { gate } = this.#options;
    while (gate.isTaken) {
      await new Promise<void>((resolve) => {
        const stop = gate.onOpen(() => {
          stop();
          resolve();
        });
      });
    }
    gate.enter();
    return this.#inCompany;
  }

  /** Whether the store has it. If not, the job must not begin: its crash would be anybody's. */
  async #isKnown({ claimed, signal }: Candidate): Promise<boolean> {
    const stopped = new Promise<false>((resolve) => {
      signal.addEventListener('abort', () => resolve(false), { once: true });
    });
    const marked = this.#options.apply({ op: 'isolate', job: claimed.lease, alone: true }).then(
      ({ outcome }) => outcome === 'ok',
      () => false,
    );
    return Promise.race([marked, stopped]);
  }

  #alone({ claimed }: Candidate): Stay {
    const { job, lease } = claimed;
    const { gate, clock, leaseMs } = this.#options;
    let timer: Timer;
    let state: 'alone' | 'in company' | 'over' = 'alone';
    const open = async (): Promise<void> => {
      const known = await this.#saysCompany(lease);
      if (state !== 'alone') return;
      if (known) {
        state = 'in company';
        gate.haveCompany();
      } else timer = clock.after(leaseMs, () => void open(), { background: true });
    };
    timer = clock.after(aloneMs(job, leaseMs), () => void open(), { background: true });
    return {
      leave: () => {
        timer.cancel();
        if (state === 'alone') gate.leaveAlone();
        else if (state === 'in company') gate.leave();
        state = 'over';
      },
    };
  }

  /** Until the store knows, nobody may join: the crash of who joins would count as that of the suspect. */
  async #saysCompany(job: LeaseRef): Promise<boolean> {
    try {
      const { outcome } = await this.#options.apply({ op: 'isolate', job, alone: false });
      return outcome !== 'expired';
    } catch {
      return false;
    }
  }
}

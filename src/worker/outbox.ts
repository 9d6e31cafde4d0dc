import { HARD_MAX_PAYLOAD_BYTES, MAX_BATCH_BYTES, MAX_BATCH_JOBS } from '../job/limits.ts';
import type { LeaseRef } from '../job/record.ts';
import type { Settlement, SettleResult } from '../store/store.ts';

/** What became of a settlement. */
export interface Settled {
  /** `unknown`: the store did not answer before the lease was over, or before the worker closed. */
  readonly outcome: SettleResult['outcome'] | 'unknown';
  readonly state: SettleResult['state'];
  /** Set when the store would not have it as it was, and the job failed by this error instead. */
  readonly refusal: Error | null;
}

export interface Outgoing {
  readonly settlement: Settlement;
  /** Told once. Must not throw: what is told here is over, whatever they make of it who hear of it. */
  readonly onSettled: (settled: Settled) => void;
}

/** Ended attempts that wait for the next round trip. */
export class Outbox {
  #waiting: Outgoing[] = [];

  get size(): number {
    return this.#waiting.length;
  }

  put(outgoing: Outgoing): void {
    this.#waiting.push(outgoing);
  }

  /** From the front as many as one call may carry. */
  take(most: number = MAX_BATCH_JOBS): Outgoing[] {
    let bytes = 0;
    const beyond = this.#waiting.findIndex(({ settlement }, index) => {
      bytes += bytesOf(settlement);
      return index >= Math.min(most, MAX_BATCH_JOBS) || bytes > MAX_BATCH_BYTES;
    });
    return this.#waiting.splice(0, beyond < 0 ? this.#waiting.length : Math.max(1, beyond));
  }

  /** Not delivered: they go first next time. */
  putBack(batch: readonly Outgoing[]): void {
    this.#waiting = [...batch, ...this.#waiting];
  }

  /** Those are not sent any more; nobody knows whether the store has them. */
  giveUp(which: (lease: LeaseRef) => boolean): void {
    const [kept, given]: [Outgoing[], Outgoing[]] = [[], []];
    for (const outgoing of this.#waiting) {
      if (which(outgoing.settlement.lease)) given.push(outgoing);
      else kept.push(outgoing);
    }
    this.#waiting = kept;
    for (const { onSettled } of given) onSettled(UNKNOWN);
  }
}

export const UNKNOWN: Settled = Object.freeze({ outcome: 'unknown', state: null, refusal: null });

function bytesOf({ next }: Settlement): number {
  return next.to === 'completed' ? Math.min(next.result?.byteLength ?? 0, HARD_MAX_PAYLOAD_BYTES) : 0;
}

import type { LeaseRef } from '../../job/record.ts';
import type { Claimed } from '../store.ts';

/** More leases than this are not remembered; those that are not are looked up. */
const REMEMBERED = 50_000;

/** Which job a token was given for, by this process. Saves reading the job's row when its lease is settled. */
export class Held {
  readonly #leases = new Map<number, LeaseRef>();

  learn(claimed: readonly Claimed[]): void {
    for (const { lease } of claimed) this.#leases.set(lease.token, lease);
    for (const token of this.#leases.keys()) {
      if (this.#leases.size <= REMEMBERED) return;
      this.#leases.delete(token);
    }
  }

  knows({ queue, id, token }: LeaseRef): boolean {
    const known = this.#leases.get(token);
    return known !== undefined && known.id === id && known.queue === queue;
  }

  forget(leases: readonly LeaseRef[]): void {
    for (const { token } of leases) this.#leases.delete(token);
  }
}

import type { LeaseRef } from '../../job/record.ts';
import { NumberMap } from '../../runtime/number-map.ts';
import type { Claimed } from '../store.ts';

/** More leases than this are not remembered; those that are not are looked up. */
const REMEMBERED = 50_000;

/** Which job a token was given for, by this process. Saves reading the job's row when its lease is settled. */
export class Held {
  readonly #leases = new NumberMap<LeaseRef>();

  learn(claimed: readonly Claimed[]): void {
    // Leases that are never settled here are others' by now: to look for them would cost every call something.
    if (this.#leases.size + claimed.length > REMEMBERED) this.#leases.clear();
    for (const { lease } of claimed) this.#leases.set(lease.token, lease);
  }

  knows({ queue, id, token }: LeaseRef): boolean {
    const known = this.#leases.get(token);
    return known !== undefined && known.id === id && known.queue === queue;
  }

  forget(leases: readonly LeaseRef[]): void {
    for (const { token } of leases) this.#leases.delete(token);
  }
}

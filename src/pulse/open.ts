import { type Clock, systemClock } from '../runtime/clock.ts';
import type { Pulse } from '../store/pulse.ts';
import type { Store } from '../store/store.ts';
import { OwnPulse } from './own-pulse.ts';

const own = new WeakMap<object, Pulse>();

/**
 * The store's own pulse, on its own thread, or one on this thread for stores that have none. A clock that a test
 * turns by hand is known on this thread alone.
 */
export async function openPulse(store: Pick<Store, 'beat' | 'openPulse'>, clock: Clock): Promise<Pulse> {
  const threaded = clock === systemClock ? await store.openPulse?.() : null;
  if (threaded) return threaded;
  const known = own.get(store) ?? new OwnPulse(store, clock);
  own.set(store, known);
  return known;
}

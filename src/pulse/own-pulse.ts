import type { Clock } from '../runtime/clock.ts';
import type { Pulse, PulsedSession } from '../store/pulse.ts';
import type { Store } from '../store/store.ts';
import { Beater } from './beater.ts';

/** On the application's thread: when the event loop stands still, so does it, and no bound is needed. */
export class OwnPulse implements Pulse {
  readonly #beater: Beater;
  readonly #kept = new Map<string, PulsedSession>();

  constructor(store: Pick<Store, 'beat'>, clock: Clock) {
    this.#beater = new Beater({
      clock,
      beat: (sessions) => store.beat(sessions),
      onFault: (error, ids) => {
        for (const id of ids) this.#kept.get(id)?.onFault(error);
      },
    });
  }

  keep(session: PulsedSession): void {
    this.#kept.set(session.session.id, session);
    this.#beater.keep({ ...session, maxBlockMs: Number.POSITIVE_INFINITY });
  }

  async drop(id: string): Promise<void> {
    this.#kept.delete(id);
    await this.#beater.drop(id);
  }
}

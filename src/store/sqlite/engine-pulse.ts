import { Beater } from '../../pulse/beater.ts';
import type { Clock } from '../../runtime/clock.ts';
import type { BeatResult } from '../store.ts';
import type { Engine } from './engine.ts';

export type OnMissed = (error: unknown, ids: readonly string[]) => void;

/** Beats on the engine's thread, by its timers: whatever the application's event loop does meanwhile. */
export function engineBeater(engine: Engine, clock: Clock, onMissed: OnMissed): Beater {
  return new Beater({
    clock,
    beat: async (sessions) => {
      const { replies } = engine.run([{ id: 0, verb: 'beat', args: [sessions], now: null }]);
      engine.catchUp();
      engine.tidy();
      const [reply] = replies;
      if (reply === undefined || 'error' in reply) throw reply?.error;
      return reply.value as BeatResult[];
    },
    onFault: onMissed,
  });
}

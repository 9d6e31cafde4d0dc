/** What `MILLRACE_HISTORY` turns on. Small, because every process loads it; the rest is loaded when it is used. */

import { InvalidOptionError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Random } from '../runtime/random.ts';
import type { Store } from '../store/store.ts';
import type { TelemetryHooks } from '../telemetry/hooks.ts';

export interface Recording {
  /** The store that tells its history. */
  readonly record: (store: Store) => Promise<Store>;
  /** For the workers of that store. */
  readonly telemetry: TelemetryHooks;
}

export interface RecordingOptions {
  readonly directory: string;
  readonly clock: Clock;
  readonly random: Random;
}

export function recording(options: RecordingOptions): Recording {
  // Attempts begin after the first claim, so the store has been opened by then.
  let hooks: TelemetryHooks = {};
  return {
    record: async (store) => {
      const [{ openHistory }, { recordStore }, { recordAttempts }] = await Promise.all([
        import('./open-history.ts'),
        import('./record-store.ts'),
        import('./record-attempts.ts'),
      ]);
      const history = begin(() => openHistory({ ...options, store: store.kind, onFault: warn }), options);
      hooks = recordAttempts(history);
      return recordStore(store, history);
    },
    telemetry: {
      onAttemptStart: (attempt) => hooks.onAttemptStart?.(attempt),
      onAttemptEnd: (event) => hooks.onAttemptEnd?.(event),
      onSettle: (event) => hooks.onSettle?.(event),
    },
  };
}

/** Whoever asked for a history must not find out later that there is none. */
function begin<T>(open: () => T, { directory }: RecordingOptions): T {
  try {
    return open();
  } catch (error) {
    const message = `cannot keep a history in "${directory}": ${error instanceof Error ? error.message : error}`;
    throw new InvalidOptionError('the environment', [{ path: 'MILLRACE_HISTORY', message }]);
  }
}

/** Jobs matter more than their history: a full disk must not stop them. The checker sees the gap. */
function warn(error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  process.emitWarning(`The history has a gap from here on: ${reason}`, { code: 'MILLRACE_HISTORY' });
}

/** The seam, part four: who keeps sessions alive while the application's event loop is busy. */

import type { Session } from './reads.ts';

/**
 * Beats sessions from a thread and a connection of its own, so that a processor that blocks the event loop of the
 * application does not lose its leases, and one that hangs for good does. All its sessions beat by one call.
 */
export interface Pulse {
  /** From now on, also after a thread that crashed was replaced. A known session is replaced. */
  keep(session: PulsedSession): void;
  /** Resolves when no beat of it is under way any more and none will come. */
  drop(id: string): Promise<void>;
}

export interface PulsedSession {
  /** Slots, busy ones and lag come from the sheet at every beat; the rest is told as it is. */
  readonly session: Session;
  /** While the application's event loop has been silent for longer than this, the session is not beaten. */
  readonly maxBlockMs: number;
  /** What the two threads tell each other; laid out by `pulse/sheet.ts`. */
  readonly sheet: SharedArrayBuffer;
  /** Told on the application's thread of every beat that failed. */
  readonly onFault: (error: Error) => void;
}

/** How a program is asked to end. The library never listens by itself; the command line does, through here. */

/** Part of `process` that is needed here. */
export interface SignalSource {
  on(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  off(signal: NodeJS.Signals, listener: (signal: NodeJS.Signals) => void): unknown;
  exit(code: number): unknown;
}

const EXIT_CODES: Partial<Record<NodeJS.Signals, number>> = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 };

/**
 * Calls `onFirst` at the first SIGTERM, SIGINT or SIGHUP; a second one ends the process at once, with the code
 * that shells give for it (128 + number), because whoever sends two does not want to wait. Answers how to stop
 * listening; call it when the graceful end is done.
 */
export function onTermination(
  onFirst: (signal: NodeJS.Signals) => void,
  source: SignalSource = process,
): () => void {
  const signals = Object.keys(EXIT_CODES) as NodeJS.Signals[];
  let asked = false;
  const listener = (signal: NodeJS.Signals): void => {
    if (asked) {
      source.exit(EXIT_CODES[signal] ?? 1);
      return;
    }
    asked = true;
    onFirst(signal);
  };
  for (const signal of signals) source.on(signal, listener);
  return () => {
    for (const signal of signals) source.off(signal, listener);
  };
}

/** Taken when the module is loaded, so that a test runner's own fake timers do not stop it. */
const { setImmediate: laterOn } = globalThis;

/** Turns of the event loop that one `settle` waits for: what a turn starts may itself need one to finish. */
const TURNS = 3;

/** Lets promises, and what waits for the next turns of the event loop, come to rest. No time passes on any clock. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < TURNS; turn += 1) await new Promise<void>((resolve) => laterOn(resolve));
}

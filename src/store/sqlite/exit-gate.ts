/**
 * `process.exit()` ends threads wherever they are, and a native driver that is ended in the middle of a call takes the
 * whole process down by SIGABRT, whatever the exit code was to be. So a process that ends first shuts this gate, and
 * the engine's thread, which passes it around every call of the driver, stays outside.
 */

const INSIDE = 0;
const SHUT = 1;
/** A flush of a slow disk. After it the end is not waited for any longer. */
const MAX_WAIT_MS = 2_000;

export class ExitGate {
  readonly buffer: SharedArrayBuffer;
  readonly #cells: Int32Array;

  constructor(buffer: SharedArrayBuffer = new SharedArrayBuffer(2 * Int32Array.BYTES_PER_ELEMENT)) {
    this.buffer = buffer;
    this.#cells = new Int32Array(buffer);
  }

  /** On the engine's thread: `call` is in the driver. Does not return once the gate is shut. */
  pass<T>(call: () => T): T {
    this.#enter();
    try {
      return call();
    } finally {
      this.#leave();
    }
  }

  /** On the application's thread, as the last thing that it does. Waits while the engine is inside. */
  shut(): void {
    Atomics.store(this.#cells, SHUT, 1);
    Atomics.wait(this.#cells, INSIDE, 1, MAX_WAIT_MS);
  }

  #enter(): void {
    Atomics.store(this.#cells, INSIDE, 1);
    if (Atomics.load(this.#cells, SHUT) === 1) this.#leave();
  }

  #leave(): void {
    Atomics.store(this.#cells, INSIDE, 0);
    if (Atomics.load(this.#cells, SHUT) === 0) return;
    Atomics.notify(this.#cells, INSIDE);
    // To be ended here.
    Atomics.wait(this.#cells, SHUT, 1);
  }
}

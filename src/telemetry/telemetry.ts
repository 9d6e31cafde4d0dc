import { asError } from '../runtime/emitter.ts';
import type { AttemptInfo, TelemetryEvents, TelemetryHooks } from './hooks.ts';
import { printUnheard } from './print-unheard.ts';

/** Tells the hooks. Costs one property read for an event that nobody asked for. */
export class Telemetry {
  readonly #hooks: TelemetryHooks;
  readonly #also: TelemetryHooks | null;

  /** `also`: hooks of the store, which are only told and never asked. */
  constructor(hooks: TelemetryHooks = {}, also: TelemetryHooks | null = null) {
    this.#hooks = hooks;
    this.#also = also;
  }

  /** Whether anybody asked for this event: then it is worth making one. */
  hears(name: keyof TelemetryEvents): boolean {
    return this.#hooks[name] !== undefined || this.#also?.[name] !== undefined;
  }

  /** Never throws: what is observed must not depend on who watches. */
  tell<K extends keyof TelemetryEvents>(name: K, event: TelemetryEvents[K]): void {
    this.#call(this.#hooks, name, event);
    if (this.#also !== null) this.#call(this.#also, name, event);
  }

  #call<K extends keyof TelemetryEvents>(hooks: TelemetryHooks, name: K, event: TelemetryEvents[K]): void {
    const hook = hooks[name] as ((event: TelemetryEvents[K]) => unknown) | undefined;
    if (hook === undefined) return;
    try {
      const answer = hook.call(hooks, event);
      if (answer instanceof Promise) answer.catch((thrown: unknown) => this.#broken(name, thrown));
    } catch (thrown) {
      this.#broken(name, thrown);
    }
  }

  /** An 'error' event without a listener: it must not end the process, and must not pass in silence. */
  unheard(source: string, error: Error): void {
    if (this.#hooks.onUnheardError === undefined) printUnheard(source, error);
    else this.tell('onUnheardError', { source, error });
  }

  /** There is a hook that wants to surround attempts. */
  get surrounds(): boolean {
    return this.#hooks.aroundAttempt !== undefined;
  }

  /** Runs `run` inside the hook that wants to surround it, if there is one. */
  around<T>(attempt: AttemptInfo, run: () => Promise<T>): Promise<T> {
    const { aroundAttempt } = this.#hooks;
    return aroundAttempt === undefined
      ? run()
      : (aroundAttempt.call(this.#hooks, attempt, run) as Promise<T>);
  }

  #broken(name: string, thrown: unknown): void {
    printUnheard(`telemetry hook ${name}`, asError(thrown));
  }
}

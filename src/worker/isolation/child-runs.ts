import { setMaxListeners } from 'node:events';
import { type Control, isControl } from '../../job/control.ts';
import { encodeJson } from '../../job/payload.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { ProcessorContext } from '../context.ts';
import { carryError, restoreError } from './carry-error.ts';
import { type CallParent, ChildJob } from './child-job.ts';
import type { ChildPort } from './child-port.ts';
import type { LoadedProcessor } from './load-processor.ts';
import type { Answer, CarriedControl, Outcome, Run, ToChild } from './messages.ts';

interface Waiting {
  readonly resolve: (done: Extract<Answer, { readonly value: unknown }>) => void;
  readonly reject: (error: unknown) => void;
}

/** The runs of a child, one at a time. */
export class ChildRuns {
  readonly #port: ChildPort;
  readonly #processor: LoadedProcessor;
  readonly #waiting = new Map<number, Waiting>();
  #calls = 0;
  #run = 0;
  #abort = new AbortController();

  constructor(port: ChildPort, processor: LoadedProcessor) {
    this.#port = port;
    this.#processor = processor;
  }

  hear(message: ToChild): void {
    switch (message.kind) {
      case 'run':
        void this.#start(message);
        return;
      case 'abort':
        if (message.run === this.#run) this.#abort.abort(restoreError(message.reason));
        return;
      case 'answer':
        this.#answered(message);
        return;
      case 'end':
        process.exit(0);
        return;
      default:
        message satisfies never;
    }
  }

  async #start(run: Run): Promise<void> {
    this.#run = run.run;
    this.#abort = new AbortController();
    // A processor may pass its signal to any number of calls.
    setMaxListeners(0, this.#abort.signal);
    const outcome = await this.#process(run);
    const usedMb = Math.round(this.#port.usedMb());
    this.#port.send({ kind: 'ended', run: run.run, outcome, usedMb });
  }

  async #process(run: Run): Promise<Outcome> {
    const job = new ChildJob(run, this.#calling(run.run));
    let value: unknown;
    try {
      value = await this.#processor(job, contextOf(run, job, this.#abort.signal));
    } catch (thrown) {
      return { how: 'threw', error: carryError(thrown) };
    }
    if (isControl(value)) return { how: 'control', control: carryControl(value) };
    try {
      const maxBytes = run.maxPayloadBytes;
      return {
        how: 'returned',
        result: value === undefined ? null : encodeJson(value, 'result', { maxBytes }),
      };
    } catch (error) {
      return { how: 'refused', error: carryError(error) };
    }
  }

  /** `async`, so that arguments that cannot be copied reject like everything else that is wrong with a call. */
  #calling(run: number): CallParent {
    return async (method, args) => {
      const id = ++this.#calls;
      this.#port.send({ kind: 'call', id, run, method, args });
      return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
    };
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(restoreError(answer.error));
    else waiting?.resolve(answer);
  }
}

/** Its functions need no `this`, so that a processor may take it apart. */
function contextOf({ context }: Run, job: ChildJob, signal: AbortSignal): ProcessorContext {
  const { attempt, lastAttempt, workerId, deadlineMs } = context;
  const startedMs = systemClock.monotonic();
  return {
    ...{ signal, token: job.token, attempt, lastAttempt, workerId },
    get deadlineMs() {
      return deadlineMs === null ? null : Math.max(0, deadlineMs - (systemClock.monotonic() - startedMs));
    },
    assertLease: () => job.assertLease(),
    log: (line) => job.log(line),
    progress: (value) => job.updateProgress(value),
  };
}

function carryControl(control: Control): CarriedControl {
  switch (control.to) {
    case 'retry':
      return { to: 'retry', afterMs: control.afterMs, error: carryError(control.error) };
    case 'discarded':
      return { to: 'discarded', reason: control.reason };
    case 'released':
      return { to: 'released', afterMs: control.afterMs, why: control.why };
    default:
      return control satisfies never;
  }
}

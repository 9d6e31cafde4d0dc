import type { Clock } from '../runtime/clock.ts';
import type { RunningJob } from './running-job.ts';

/** What a processor gets beside the job. */
export interface ProcessorContext {
  /**
   * Aborts when the attempt shall stop: the job was cancelled, its timeout is over, its lease is lost, or the
   * worker closes. Its reason is a CancelledError, TimeoutError, LeaseLostError or ShutdownError. Pass it on to
   * whatever takes a signal, and throw when it aborts: from then on that reason decides what becomes of the
   * attempt, and a result that is returned all the same is not stored.
   */
  readonly signal: AbortSignal;
  /** Fencing number of this claim; it only ever rises. For fencing in systems of your own. */
  readonly token: number;
  /** 1 for the first. */
  readonly attempt: number;
  /** If this attempt fails, none follows. */
  readonly lastAttempt: boolean;
  /** Id under which this worker is known in the registry and in the records of attempts. */
  readonly workerId: string;
  /** Milliseconds that are left of the job's timeout; null without one. */
  readonly deadlineMs: number | null;
  /**
   * Asks the store whether this attempt still has the job: for the moment before something that cannot be undone,
   * after a long step. Between its answer and the effect the process can still be paused; a system that checks
   * `token` closes that gap.
   *
   * @throws LeaseLostError when another worker may have the job, or the reason of `signal` when it has aborted.
   * @throws StoreUnavailableError when the store cannot say.
   */
  assertLease(): Promise<void>;
  /** Appends a line to the job's log. */
  log(line: string): Promise<void>;
  /** Stores how far the job is: any JSON value. */
  progress(value: unknown): Promise<void>;
}

export interface ContextParts {
  readonly signal: () => AbortSignal;
  readonly worker: string;
  readonly clock: Clock;
  readonly startedMs: number;
}

/** Its functions need no `this`, so that a processor may take it apart. */
export function contextFor(
  job: RunningJob,
  { signal, worker, clock, startedMs }: ContextParts,
): ProcessorContext {
  const { timeoutMs } = job.policy;
  return {
    get signal() {
      return signal();
    },
    token: job.token,
    attempt: job.attempt,
    lastAttempt: job.isLastAttempt,
    workerId: worker,
    get deadlineMs() {
      return timeoutMs === null ? null : Math.max(0, startedMs + timeoutMs - clock.monotonic());
    },
    assertLease: () => job.assertLease(),
    log: (line) => job.log(line),
    progress: (value) => job.updateProgress(value),
  };
}

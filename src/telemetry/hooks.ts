/**
 * What can be observed of the library while it works. Logs, metrics and traces are made from these events by
 * whoever subscribes; no other room writes a log line.
 */

/** The attempt that an event is about. */
export interface AttemptInfo {
  readonly queue: string;
  readonly jobId: string;
  readonly jobName: string;
  /** Fencing token of the claim: tells the attempts of a job apart. */
  readonly token: number;
  /** 1 for the first attempt of this generation. */
  readonly attempt: number;
  readonly worker: string;
  /** From ready to claimed. */
  readonly waitedMs: number;
  /** As it came with the job, for the parent of a span; null when none came. */
  readonly traceparent: string | null;
  readonly traceId: string | null;
}

export interface ClaimEvent {
  readonly queue: string;
  readonly worker: string;
  readonly asked: number;
  readonly got: number;
  /** Settlements that left in the same round trip. */
  readonly settled: number;
  readonly tookMs: number;
}

export interface AttemptEndEvent {
  readonly attempt: AttemptInfo;
  readonly ranMs: number;
  /** What the attempt becomes, or `lost` with the lease. */
  readonly to: 'completed' | 'retry' | 'failed' | 'released' | 'cancelled' | 'parked' | 'lost';
  readonly error: Error | null;
  /** The processor did not end in spite of its aborted signal, and still runs without a slot. */
  readonly leftBehind: boolean;
}

export interface SettleEvent {
  readonly attempt: AttemptInfo;
  /** `unknown`: the store did not answer before the lease was over. */
  readonly outcome: 'ok' | 'expired' | 'superseded' | 'gone' | 'unknown';
  /** From the end of the attempt to the store's answer. */
  readonly tookMs: number;
}

export interface UpkeepEvent {
  readonly promoted: number;
  readonly reclaimed: number;
  readonly expired: number;
  readonly pruned: number;
  readonly operated: number;
  readonly tookMs: number;
}

/** The event loop of this process did not turn for more than a third of the worker's lease. */
export interface BlockedLoopEvent {
  readonly queue: string;
  readonly worker: string;
  readonly blockedMs: number;
  /** Jobs that others may have taken meanwhile. */
  readonly leasesLost: number;
}

/** Every hook gets one event. One that throws is reported as an unheard error and hinders nothing. */
export interface TelemetryHooks {
  readonly onClaim?: (event: ClaimEvent) => void;
  readonly onAttemptStart?: (attempt: AttemptInfo) => void;
  readonly onAttemptEnd?: (event: AttemptEndEvent) => void;
  readonly onSettle?: (event: SettleEvent) => void;
  readonly onBlocked?: (event: BlockedLoopEvent) => void;
  /** Passes that did something. */
  readonly onUpkeep?: (event: UpkeepEvent) => void;
  /**
   * An 'error' event that has no listener. Without this hook it is printed to standard error, once a message.
   */
  readonly onUnheardError?: (event: { readonly source: string; readonly error: Error }) => void;
  /** Runs the processor within a context of its own, for example an active span. Must call `run` once. */
  readonly aroundAttempt?: <T>(attempt: AttemptInfo, run: () => Promise<T>) => Promise<T>;
}

/** The hooks that are told and not asked. */
export type TelemetryEvents = {
  readonly [K in Exclude<keyof TelemetryHooks, 'aroundAttempt'>]-?: Parameters<
    NonNullable<TelemetryHooks[K]>
  >[0];
};

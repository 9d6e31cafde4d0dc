import type { JobState } from '../job/record.ts';
import type { JobOf, NameOf, ResultOf, UntypedJobs } from '../queue/types.ts';

/** A job that some worker lost, taken back by upkeep. */
export interface ReclaimedEvent {
  readonly queue: string;
  readonly id: string;
  /** Crashes of this job so far. */
  readonly crashes: number;
  /** State of the job now: `waiting`, or `failed` when it crashed too often. */
  readonly state: JobState;
  /** Id of the worker that lost it. */
  readonly worker: string;
}

/** The event loop of this process did not turn: a processor blocked it, or the process was paused. */
export interface BlockedEvent {
  readonly blockedMs: number;
  /** Jobs of this worker that others may have taken meanwhile; each is told as 'lease-lost', too. */
  readonly leasesLost: number;
}

/** Events of a worker: what happens here. What happens to the queue's jobs anywhere is told by `QueueEvents`. */
export type WorkerEvents<Jobs extends object = UntypedJobs> = {
  /** The store has answered for the first time. */
  ready: [];
  /** An attempt begins. */
  active: [job: JobOf<Jobs>];
  /** The processor reported progress. */
  progress: [job: JobOf<Jobs>, progress: unknown];
  /** The store has the end of the job and its result. */
  completed: [job: JobOf<Jobs>, result: ResultOf<Jobs, NameOf<Jobs>>];
  /** The job is a dead letter: no further attempt follows. */
  failed: [job: JobOf<Jobs> | undefined, error: Error];
  /** An attempt failed, and the next one follows after `delayMs`. */
  retrying: [job: JobOf<Jobs>, error: Error, delayMs: number];
  /** The job was handed back without burning an attempt. */
  released: [job: JobOf<Jobs>, why: string];
  /** The job ended as cancelled, by request or by its own processor. */
  cancelled: [job: JobOf<Jobs>, reason: string];
  /** Upkeep of this process took back a job of this queue, whichever worker had lost it. */
  reclaimed: [event: ReclaimedEvent];
  /** This worker no longer holds the job; what it still writes is refused. */
  'lease-lost': [job: JobOf<Jobs>, why: string];
  /**
   * The event loop turns again after it did not for more than a third of `leaseMs`. Up to `maxBlockMs` a store with a
   * thread of its own keeps the leases meanwhile.
   */
  blocked: [event: BlockedEvent];
  /** No job is waiting, and all that this worker had are settled. */
  drained: [];
  paused: [];
  resumed: [];
  closing: [];
  closed: [];
  /** Something went wrong that is no failure of a job: told once for each new way, not at every repetition. */
  error: [error: Error];
  /** All that was told by 'error' works again; the first of it failed `downMs` milliseconds ago. */
  recovered: [downMs: number];
};

/** Emits an event. The parts of a worker know its jobs by no type. */
export type Tell = <E extends keyof WorkerEvents>(event: E, ...args: WorkerEvents[E]) => void;

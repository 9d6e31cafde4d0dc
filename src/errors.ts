/**
 * Every error that Millrace throws. Each has a class to catch, a code to search for, and a message that says
 * what happened, to which job or queue, and what to do. `docs/reference/errors.md` is made from this file.
 */

/** Base of all errors of this package. `code` is stable across releases; the wording of messages is not. */
export class MillraceError extends Error {
  readonly code: string;

  constructor(code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = new.target.name;
    this.code = code;
  }
}

/** One thing wrong with an option or argument. `path` names it as the caller wrote it. */
export interface Problem {
  readonly path: string;
  readonly message: string;
}

/** Options or arguments are wrong. Lists every problem found, not just the first. */
export class InvalidOptionError extends MillraceError {
  readonly problems: readonly Problem[];

  constructor(subject: string, problems: readonly Problem[]) {
    const lines = problems.map((problem) => `  ${problem.path}: ${problem.message}`);
    super('MILLRACE_INVALID_OPTION', `${subject} is not valid:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}

/** A payload, result or progress value would not survive the trip through JSON. `path` points into it. */
export class InvalidPayloadError extends MillraceError {
  readonly path: string;

  constructor(path: string, message: string, options?: ErrorOptions) {
    super('MILLRACE_INVALID_PAYLOAD', `${path}: ${message}`, options);
    this.path = path;
  }
}

/** A value is beyond a limit of the store's boundary: a payload too large, a batch too long. */
export class LimitExceededError extends MillraceError {
  constructor(message: string) {
    super('MILLRACE_LIMIT_EXCEEDED', message);
  }
}

/** The payload or result does not match the schema declared for the job's name. Never retried. */
export class SchemaMismatchError extends MillraceError {
  readonly problems: readonly Problem[];

  constructor(subject: string, problems: readonly Problem[]) {
    const lines = problems.map((problem) => `  ${problem.path}: ${problem.message}`);
    super('MILLRACE_SCHEMA_MISMATCH', `${subject} does not match its schema:\n${lines.join('\n')}`);
    this.problems = problems;
  }
}

/** No job with this id in this queue: it never was, or it was discarded or pruned. */
export class JobNotFoundError extends MillraceError {
  constructor(queue: string, id: string) {
    super(
      'MILLRACE_JOB_NOT_FOUND',
      `queue "${queue}" has no job "${id}". It may have been discarded, or pruned by the queue's retention.`,
    );
  }
}

/** A store, queue or operation that was named is not there. Nothing was made and nothing was changed. */
export class NotFoundError extends MillraceError {
  constructor(message: string) {
    super('MILLRACE_NOT_FOUND', message);
  }
}

/** The job is in a state in which this cannot be done, for example discarding a job that is running. */
export class WrongStateError extends MillraceError {
  readonly state: string;

  constructor(verb: string, queue: string, id: string, state: string, advice: string) {
    super(
      'MILLRACE_WRONG_STATE',
      `cannot ${verb} job "${id}" of queue "${queue}": it is ${state}. ${advice}`,
    );
    this.state = state;
  }
}

/** A queue cannot be obliterated while its jobs run. */
export class ActiveJobsError extends MillraceError {
  constructor(queue: string) {
    super(
      'MILLRACE_ACTIVE_JOBS',
      `queue "${queue}" has active jobs, so it was not obliterated. Pause it and wait for them, or pass { force: true }.`,
    );
  }
}

/** An `addBulk` from a source stopped before its end. What was added stays; `cause` says why it stopped. */
export class BulkStoppedError extends MillraceError {
  readonly added: number;
  readonly duplicates: number;

  constructor(queue: string, told: { readonly added: number; readonly duplicates: number }, cause: unknown) {
    const { added, duplicates } = told;
    const why = cause instanceof Error ? cause.message : String(cause);
    super(
      'MILLRACE_BULK_STOPPED',
      `addBulk to queue "${queue}" stopped after ${added} jobs were added and ${duplicates} were there already: ${why.replace(/\.?$/, '.')} ` +
        'What was added stays. Go on from there; where each job has a jobId, adding all of them again is safe.',
      { cause },
    );
    this.added = added;
    this.duplicates = duplicates;
  }
}

/** The queue to which a job was to move has one with the same id already. Nothing was moved. */
export class DuplicateJobError extends MillraceError {
  constructor(queue: string, id: string) {
    super(
      'MILLRACE_DUPLICATE_JOB',
      `queue "${queue}" has a job "${id}" already, so none was moved there. Discard that one first, or choose another queue.`,
    );
  }
}

/** The worker no longer holds the lease on this job; whatever it tried to write was refused. */
export class LeaseLostError extends MillraceError {
  constructor(queue: string, id: string, why: string) {
    super(
      'MILLRACE_LEASE_LOST',
      `the lease on job "${id}" of queue "${queue}" is lost (${why}); nothing was written. Another worker may be running it.`,
    );
  }
}

/** The attempt ran longer than the job's `timeout`. */
export class TimeoutError extends MillraceError {
  constructor(message: string) {
    super('MILLRACE_TIMEOUT', message);
  }
}

/** The job was cancelled. `reason` is what the canceller gave. */
export class CancelledError extends MillraceError {
  readonly reason: string;

  constructor(queue: string, id: string, reason: string) {
    super('MILLRACE_CANCELLED', `job "${id}" of queue "${queue}" was cancelled: ${reason}`);
    this.reason = reason;
  }
}

/** Awaiting a result: the job ended as a dead letter. `cause` carries the last attempt's error. */
export class JobFailedError extends MillraceError {
  constructor(queue: string, id: string, message: string, options?: ErrorOptions) {
    super('MILLRACE_JOB_FAILED', `job "${id}" of queue "${queue}" failed: ${message}`, options);
  }
}

/** Thrown by a processor to say that no retry can help: the job goes to the dead letters at once. */
export class UnrecoverableError extends MillraceError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLRACE_UNRECOVERABLE', message, options);
  }
}

/** The process or thread in which the processor ran ended before the attempt did. Only that attempt failed by it. */
export class ProcessorCrashedError extends MillraceError {
  /** Null when it was ended by a signal. */
  readonly exitCode: number | null;
  /** `SIGSEGV`, say; null when it exited by itself. */
  readonly signal: string | null;

  constructor(
    message: string,
    end: { readonly exitCode: number | null; readonly signal: string | null } & ErrorOptions,
  ) {
    super('MILLRACE_PROCESSOR_CRASHED', message, 'cause' in end ? { cause: end.cause } : undefined);
    this.exitCode = end.exitCode;
    this.signal = end.signal;
  }
}

/** The process or thread in which the processor ran used more memory than it may, and was ended. */
export class ProcessorMemoryError extends MillraceError {
  constructor(message: string) {
    super('MILLRACE_PROCESSOR_MEMORY', message);
  }
}

/** The file of a processor could not be loaded, or exports no function. `cause` is what loading it threw. */
export class ProcessorLoadError extends MillraceError {
  constructor(file: string, why: string, options?: ErrorOptions) {
    super('MILLRACE_PROCESSOR_LOAD', `the processor ${file} could not be loaded: ${why}.`, options);
  }
}

/** Stands for the failure of an attempt whose processor returned `retryIn(ms)`. */
export class RetryRequestedError extends MillraceError {
  constructor(message: string) {
    super('MILLRACE_RETRY_REQUESTED', message);
  }
}

/** The worker is closing and the attempt was aborted so that the job can be handed back. */
export class ShutdownError extends MillraceError {
  constructor(message: string) {
    super('MILLRACE_SHUTDOWN', message);
  }
}

/** The queue, worker or store was closed before this call. */
export class ClosedError extends MillraceError {
  constructor(what: string) {
    super('MILLRACE_CLOSED', `${what} is closed. Create a new one to go on.`);
  }
}

/** The store cannot be reached or refuses to work now; the call may be repeated. */
export class StoreUnavailableError extends MillraceError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLRACE_STORE_UNAVAILABLE', message, options);
  }
}

/** The disk or the quota of the store is full. Nothing of the call was written. */
export class StoreFullError extends MillraceError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLRACE_STORE_FULL', message, options);
  }
}

/** The store's data is damaged; it is not written to any more. */
export class StoreCorruptError extends MillraceError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLRACE_STORE_CORRUPT', message, options);
  }
}

/** The schema in the store and this version of the package do not fit together. */
export class SchemaVersionError extends MillraceError {
  constructor(message: string) {
    super('MILLRACE_SCHEMA_VERSION', message);
  }
}

/** A driver that the store needs is not installed. The message names the line that installs it. */
export class DriverMissingError extends MillraceError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLRACE_DRIVER_MISSING', message, options);
  }
}

/** The store cannot do what was asked of it, for example a transactional add on Redis. */
export class UnsupportedError extends MillraceError {
  constructor(message: string) {
    super('MILLRACE_UNSUPPORTED', message);
  }
}

/** The environment does not allow what was asked: an unsafe file system, an old library, wrong permissions. */
export class EnvironmentError extends MillraceError {
  constructor(message: string, options?: ErrorOptions) {
    super('MILLRACE_ENVIRONMENT', message, options);
  }
}

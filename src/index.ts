/** The public names of Millrace, one by one. */

export type { Connection, SharedStore } from './connect.ts';
export { connect, DEFAULT_URL } from './connect.ts';
export {
  ActiveJobsError,
  BulkStoppedError,
  CancelledError,
  ClosedError,
  DriverMissingError,
  DuplicateJobError,
  EnvironmentError,
  InvalidOptionError,
  InvalidPayloadError,
  JobFailedError,
  JobNotFoundError,
  LeaseLostError,
  LimitExceededError,
  MillraceError,
  NotFoundError,
  type Problem,
  ProcessorCrashedError,
  ProcessorLoadError,
  ProcessorMemoryError,
  RetryRequestedError,
  SchemaMismatchError,
  SchemaVersionError,
  ShutdownError,
  StoreCorruptError,
  StoreFullError,
  StoreUnavailableError,
  TimeoutError,
  UnrecoverableError,
  UnsupportedError,
  WrongStateError,
} from './errors.ts';
export type { BackoffStrategies, BackoffStrategy } from './job/backoff.ts';
export { type Control, discard, release, retryIn } from './job/control.ts';
export type { Duration, DurationText } from './job/duration.ts';
export type { Comparison, JobFilter } from './job/filter.ts';
export type { BackoffOptions, JobOptions, KeepOptions } from './job/options.ts';
export type { Counts, QueueSettings, Retention, Totals } from './job/queue-settings.ts';
export type {
  AttemptOutcome,
  AttemptRecord,
  Backoff,
  EndCause,
  Headers,
  HeaderValue,
  JobPolicy,
  JobRecord,
  JobState,
  LogLine,
  Origin,
  StoredError,
} from './job/record.ts';
export type { JobSchemas, Schemas, StandardSchema } from './job/schema.ts';
export { formatSearch, parseSearch } from './job/search.ts';
export type { AddBulkOptions, AddOptions } from './queue/add.ts';
export type { AddStreamOptions, BulkProgress, JobSource } from './queue/add-stream.ts';
export type { BulkOutcome, CancelOptions, Which } from './queue/admin.ts';
export type { FindOptions } from './queue/inspect.ts';
export { Job, type JobContext } from './queue/job.ts';
export type { JobJson } from './queue/job-view.ts';
export type { Operation } from './queue/operation.ts';
export {
  type BulkJob,
  type FoundJobs,
  Queue,
  type QueueEventMap,
  type RedriveOptions,
} from './queue/queue.ts';
export type {
  AnyQueueEvent,
  CompletedEvent,
  FailedEvent,
  GapEvent,
  ProgressEvent,
  QueueEvent,
  QueueEventsMap,
} from './queue/queue-event.ts';
export { QueueEvents, type QueueEventsOptions } from './queue/queue-events.ts';
export type { Propagation, QueueConfig, QueueOptions, RetentionOptions } from './queue/queue-options.ts';
export type { AwaitOptions } from './queue/result.ts';
export type { DataInput, DataOf, JobOf, NameOf, ResultOf, SchemasOf, UntypedJobs } from './queue/types.ts';
export type { PostgresOptions } from './store/postgres-options.ts';
export type { RedisOptions } from './store/redis-options.ts';
export {
  HISTOGRAM_BOUNDS_MS,
  type OperationRecord,
  type QueueSummary,
  type Store,
  type StoreTx,
} from './store/store.ts';
export type {
  AttemptEndEvent,
  AttemptInfo,
  BlockedLoopEvent,
  ClaimEvent,
  SettleEvent,
  TelemetryHooks,
  UpkeepEvent,
} from './telemetry/hooks.ts';
export type { ProcessorContext } from './worker/context.ts';
export type { BlockedEvent, ReclaimedEvent, WorkerEvents } from './worker/events.ts';
export type { IsolationOptions } from './worker/isolation/options.ts';
export type { WorkerOptions } from './worker/options.ts';
export { type CloseOptions, type Processor, type ProcessorFile, Worker } from './worker/worker.ts';

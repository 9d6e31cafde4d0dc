/** Histories: what was asked of a store and what it answered, written down and checked. */

export type { CheckId, CheckOptions, CheckReport, Figures, Violation } from './check/index.ts';
export { checkHistory } from './check/index.ts';
export { History, type HistoryOptions, type HistoryTimes, type Sink } from './history.ts';
export type { FaultKind, Head, HistoryLine, LineKind, LoggedFault, Scope } from './line.ts';
export { type OpenHistoryOptions, openHistory } from './open-history.ts';
export { type ReadHistory, readHistory } from './read-history.ts';
export { recordAttempts } from './record-attempts.ts';
export { recordStore } from './record-store.ts';

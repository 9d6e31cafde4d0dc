/** What users test their jobs with, and what stores are tested with. */

export type { Duration } from '../job/duration.ts';
export { type MemoryStoreOptions, memoryStore } from '../store/memory/index.ts';
export { describeStore } from './conformance/describe-store.ts';
export type { Runner, StoreHarness } from './conformance/scene.ts';
export { FakeClock } from './fake-clock.ts';
export type { TestJob } from './read-jobs.ts';
export { type TestStore, type TestStoreOptions, testStore } from './test-store.ts';

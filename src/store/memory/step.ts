import type { Bytes } from '../../job/record.ts';
import type { ChangeKind, Hint } from '../store.ts';
import { giveBytes } from './own.ts';
import type { QueueState, State, StoredJob } from './state.ts';

/** One atomic step: nothing in it waits, so nobody sees half of it. The clock is read once. */
export interface Step {
  readonly state: State;
  readonly nowMs: number;
  /** News of this step, each queue and kind once; told when the step is over. */
  readonly news: Map<string, Hint>;
}

export async function atomically<T>(state: State, verb: (step: Step) => T): Promise<T> {
  const step: Step = { state, nowMs: state.clock.now(), news: new Map() };
  const answer = verb(step);
  for (const hint of step.news.values()) announce(state, hint);
  return answer;
}

/** Told after the step, on the caller's own turn: an error of a watcher is not an error of the verb. */
function announce(state: State, hint: Hint): void {
  for (const watcher of state.watchers) {
    if (watcher.queues.length > 0 && !watcher.queues.includes(hint.queue)) continue;
    void Promise.resolve().then(() => {
      if (state.watchers.has(watcher)) watcher.onNews(hint);
    });
  }
}

export function hint(step: Step, queue: string, news: Hint['news']): void {
  step.news.set(`${news} ${queue}`, { queue, news });
}

/** Whether the changes of a queue are written down now. */
export function isRecorded(step: Step, queue: string): boolean {
  if (step.state.queues.get(queue)?.settings.feed === 'on') return true;
  return (step.state.recordings.get(queue)?.untilAt ?? 0) > step.nowMs;
}

export function tell(step: Step, kind: ChangeKind, { record }: StoredJob, data: Bytes | null = null): void {
  write(step, { kind, queue: record.queue, id: record.id, name: record.name, data: giveBytes(data) });
}

export function tellOfQueue(step: Step, kind: ChangeKind, { name }: QueueState): void {
  write(step, { kind, queue: name, id: '', name: '', data: null });
}

type Told = { kind: ChangeKind; queue: string; id: string; name: string; data: Bytes | null };

function write(step: Step, told: Told): void {
  if (!isRecorded(step, told.queue)) return;
  step.state.change += 1;
  step.state.changes.push({ cursor: step.state.change, at: step.nowMs, ...told });
}

/** What one chore of upkeep did. */
export interface Chore {
  readonly touched: number;
  /** There was more to do than its limit allowed. */
  readonly more: boolean;
}

import type { Duration } from '../../job/duration.ts';
import { decodeJson } from '../../job/payload.ts';
import type { Bytes } from '../../job/record.ts';
import type { RunningJob } from '../running-job.ts';
import { carryError } from './carry-error.ts';
import type { Answer, Call, Method } from './messages.ts';

type Perform = (job: RunningJob, ...args: readonly never[]) => Promise<unknown>;

/** What a child asks for is done here, by the job that the worker's listeners see, under its lease. */
const PERFORM: Readonly<Record<Method, Perform>> = {
  assertLease: (job) => job.assertLease(),
  refresh: async (job) => void (await job.refresh()),
  getState: (job) => job.getState(),
  getLogs: (job, options: { after?: number; limit?: number }) => job.getLogs(options),
  attempts: (job) => job.attempts(),
  updateProgress: (job, value: Bytes) => job.updateProgress(decodeJson(value, 'progress')),
  updateData: (job, value: Bytes) => job.updateData(decodeJson(value)),
  log: (job, line: string) => job.log(line),
  cancel: (job, reason: string) => job.cancel(reason),
  redrive: (job, options: { toQueue?: string }) => job.redrive(options),
  promote: (job) => job.promote(),
  changeDelay: (job, delay: Duration) => job.changeDelay(delay),
  changePriority: (job, options: { priority?: number; lifo?: boolean }) => job.changePriority(options),
  remove: (job) => job.remove(),
};

/** Never rejects. */
export async function answerCall(job: RunningJob, { id, method, args }: Call): Promise<Answer> {
  try {
    const value = await PERFORM[method](job, ...(args as readonly never[]));
    return { kind: 'answer', id, value, record: job.snapshot };
  } catch (thrown) {
    return { kind: 'answer', id, error: carryError(thrown) };
  }
}

import { DuplicateJobError, JobNotFoundError, LeaseLostError, WrongStateError } from '../errors.ts';
import type { JobState } from '../job/record.ts';
import type { Effect, MoveOp, MoveOutcome, StoreTx } from '../store/store.ts';
import type { Client } from './client.ts';

/** An effect on one job. */
export type Move = Extract<Effect, { readonly op: MoveOp }>;

const VERBS: Readonly<Record<MoveOp, { readonly verb: string; readonly advice: string }>> = {
  progress: { verb: 'report progress of', advice: '' },
  log: { verb: 'log for', advice: '' },
  data: { verb: 'change the data of', advice: '' },
  isolate: { verb: 'run alone', advice: '' },
  cancel: { verb: 'cancel', advice: 'It has ended already.' },
  redrive: { verb: 'redrive', advice: 'Only failed, cancelled and completed jobs can go back.' },
  discard: { verb: 'discard', advice: 'Cancel it, and discard it when it has stopped.' },
  promote: { verb: 'promote', advice: 'Only a delayed job can be promoted.' },
  reschedule: { verb: 'change the delay of', advice: 'Only a waiting or delayed job has one.' },
  prioritize: { verb: 'change the priority of', advice: 'Only for a waiting or delayed job it matters.' },
};

/**
 * @throws JobNotFoundError, WrongStateError, DuplicateJobError or, for a write under a lease, LeaseLostError.
 */
export async function moveJob(client: Client, move: Move, tx?: StoreTx): Promise<void> {
  requireDone(move, tx === undefined ? await client.apply(move) : await moveInside(client, move, tx));
}

/** In the caller's own transaction. */
async function moveInside({ store }: Client, move: Move, tx: StoreTx): Promise<MoveOutcome> {
  const [answer] = await store.apply([move], { tx });
  if (answer?.op !== move.op) throw new Error(`the store did not answer ${move.op}`);
  return answer as MoveOutcome;
}

function requireDone(move: Move, answer: MoveOutcome): void {
  const { queue, id } = move.job;
  switch (answer.outcome) {
    case 'ok':
      return;
    case 'gone':
      throw 'token' in move.job ? new LeaseLostError(queue, id, 'gone') : new JobNotFoundError(queue, id);
    case 'expired':
    case 'superseded':
      throw new LeaseLostError(queue, id, answer.outcome);
    case 'duplicate':
      throw new DuplicateJobError((move.op === 'redrive' ? move.toQueue : null) ?? queue, id);
    case 'wrong-state':
      throw wrongState(move, answer.state);
    default:
      answer satisfies never;
  }
}

function wrongState(move: Move, state: JobState): WrongStateError {
  const { verb, advice } = VERBS[move.op];
  return new WrongStateError(verb, move.job.queue, move.job.id, state, advice);
}

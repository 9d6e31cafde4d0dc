/** The writes that no worker makes by itself: by the store's own verbs, one at a time. */

import { note } from './writer-work.mjs';

let claims = 0;

const ERROR = { name: 'Error', message: 'no', stack: null, code: null, fingerprint: 'f' };

async function claimSome(store, queue, limit) {
  claims += 1;
  const request = { claimId: `c${process.pid}-${claims}`, queue, limit, worker: 'by hand', leaseMs: 600_000 };
  const [answer] = await store.claim([request]);
  const held = answer.jobs.map(({ lease, job }) => ({ ...lease, generation: job.generation }));
  for (const { id, token, generation } of held) {
    note('claimed', { queue, id, token, generation, call: request.claimId });
  }
  return held;
}

const leaseOf = ({ queue, id, token }) => ({ queue, id, token });

/** What each kind of end makes of a job. */
const ENDS = [
  { next: (id) => ({ to: 'completed', result: Buffer.from(JSON.stringify({ id })) }), state: 'completed' },
  { next: () => ({ to: 'failed', error: ERROR, cause: 'unrecoverable' }), state: 'failed' },
  { next: () => ({ to: 'retry', afterMs: 3_600_000, error: ERROR }), state: 'delayed' },
  { next: () => ({ to: 'released', afterMs: 3_600_000, why: 'not now' }), state: 'delayed' },
  { next: () => ({ to: 'cancelled', reason: 'no more', cause: 'cancelled' }), state: 'cancelled' },
];

/** Claims and settlements as calls of their own; the last ones stay claimed. */
export async function endings({ store, queue }, { addMany }) {
  note('phase', { phase: 'addBulk' });
  await addMany(queue('ends'), 12);
  note('phase', { phase: 'claim' });
  const held = [...(await claimSome(store, 'ends', 5)), ...(await claimSome(store, 'ends', 7))];
  note('phase', { phase: 'settle' });
  for (const [index, { next, state }] of ENDS.entries()) {
    const pair = held.slice(index * 2, index * 2 + 2);
    await store.commit(
      pair.map((lease) => ({ lease: leaseOf(lease), next: next(lease.id), mode: 'strict' })),
    );
    for (const { id, token, generation } of pair) {
      note('ended', { queue: 'ends', id, token, generation, state });
    }
  }
}

/** Moves of jobs that nobody holds. */
export async function changes({ store, queue }, { addMany }) {
  note('phase', { phase: 'move' });
  const [cancelled, promoted, moved, changed] = await addMany(queue('moves'), 4, { delay: 3_600_000 });
  const ref = (id) => ({ queue: 'moves', id });
  await store.apply([{ op: 'cancel', job: ref(cancelled), reason: 'no' }], { actor: 'a person' });
  note('cancelled', { id: cancelled, generation: 1 });
  await store.apply([{ op: 'redrive', job: ref(cancelled), toQueue: null }]);
  note('redriven', { id: cancelled, generation: 1 });
  await store.apply([{ op: 'promote', job: ref(promoted) }]);
  note('promoted', { id: promoted, generation: 1 });
  note('changing', { id: changed, size: 77 });
  const body = Buffer.from(JSON.stringify({ id: changed, fill: 'x'.repeat(77) }));
  await store.apply([{ op: 'data', job: ref(changed), body, contentType: 'application/json' }]);
  note('changed', { id: changed, size: 77 });
  await store.apply([{ op: 'cancel', job: ref(moved), reason: 'no' }]);
  note('cancelled', { id: moved, generation: 1 });
  await store.apply([{ op: 'redrive', job: ref(moved), toQueue: 'elsewhere' }]);
  note('redriven', { id: moved, generation: 1 });
  const operation = await queue('moves').discard({ states: ['failed'] });
  note('operation', { id: operation.id });
}

/** What is gone stays gone. */
export async function removals({ store, queue }, { addMany }) {
  note('phase', { phase: 'remove' });
  const [one, ...others] = await addMany(queue('swept'), 14);
  note('removing', { ids: [one] });
  await store.apply([{ op: 'discard', job: { queue: 'swept', id: one } }]);
  note('removed', { ids: [one] });
  note('removing', { ids: others });
  await queue('swept').drain();
  note('removed', { ids: others });
  const all = await addMany(queue('erased'), 3);
  note('removing', { ids: all });
  await queue('erased').obliterate({ force: true });
  note('removed', { ids: all });
}

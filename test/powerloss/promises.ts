/**
 * What the store has promised so far, and whether the jobs that were found after a power cut keep it. A job may be
 * further than what was acknowledged, by a write that was under way, and never less far.
 */

import type { JobRecord, JobState } from 'millrace';
import type { Found } from './inspect.ts';
import type { Note, PromiseKind } from './note.ts';

export interface Broken {
  readonly kind: PromiseKind;
  /** The note, and what was found instead. */
  readonly detail: string;
}

export interface Judgement {
  readonly lost: readonly Broken[];
  /** What must be impossible, acknowledged or not: half a batch, a job twice, one that nobody added, other bytes. */
  readonly wrong: readonly string[];
}

type Check = (found: Found) => boolean;
interface Promised {
  readonly kind: PromiseKind;
  readonly note: Note;
  readonly isKept: Check;
}

/** Where a settlement may have led to by now, without another claim and in the same generation. */
const AFTER: Partial<Record<JobState, readonly JobState[]>> = {
  delayed: ['delayed', 'waiting', 'cancelled'],
  waiting: ['waiting', 'cancelled'],
};

export class Promises {
  readonly #promised: Promised[] = [];
  readonly #batches: (readonly string[])[] = [];
  /** Bodies that each job may have. */
  readonly #sizes = new Map<string, readonly number[]>();
  readonly #removing = new Set<string>();
  readonly #removed = new Set<string>();

  get count(): number {
    return this.#promised.length;
  }

  take(note: Note): void {
    switch (note.note) {
      case 'phase':
      case 'opened':
      case 'closed':
        return;
      case 'adding':
        this.#batches.push(note.ids);
        note.ids.forEach((id, index) => void this.#sizes.set(id, [note.sizes[index] ?? 0]));
        return;
      case 'removing':
        for (const id of note.ids) this.#removing.add(id);
        return;
      case 'changing':
        this.#sizes.set(note.id, [...(this.#sizes.get(note.id) ?? []), note.size]);
        return;
      case 'changed':
        this.#sizes.set(note.id, [note.size]);
        this.#promise(note, ({ jobs }) => this.#isThere(jobs, note.id));
        return;
      case 'added':
        for (const id of note.ids) this.#promise(note, ({ jobs }) => this.#isThere(jobs, id));
        return;
      case 'removed':
        for (const id of note.ids) {
          this.#removed.add(id);
          this.#promise(note, ({ jobs }) => !jobs.has(id));
        }
        return;
      case 'configured':
        this.#promise(note, ({ objectives }) => (objectives.get(note.queue) ?? 0) >= note.value);
        return;
      case 'operation':
        this.#promise(note, ({ operations }) => operations.has(note.id));
        return;
      default:
        this.#promise(note, this.#ofJob(note));
    }
  }

  judge(found: Found): Judgement {
    const broken = this.#promised.filter(({ isKept }) => !isKept(found));
    const lost = broken.map(({ kind, note }) => ({ kind, detail: this.#explain(note, found) }));
    return { lost, wrong: [...this.#halves(found), ...this.#strangers(found), ...found.doubled] };
  }

  #promise(note: Note & { readonly note: PromiseKind }, isKept: Check): void {
    this.#promised.push({ kind: note.note, note, isKept });
  }

  #isThere(jobs: Found['jobs'], id: string): boolean {
    return jobs.has(id) || this.#removing.has(id);
  }

  /** A job that may be removed by now has nothing more to show. */
  #ofJob(
    note: Note & { readonly note: PromiseKind; readonly id: string; readonly generation: number },
  ): Check {
    return (found) => {
      const job = found.jobs.get(note.id);
      if (job === undefined) return this.#removing.has(note.id);
      return job.generation > note.generation || isAsFar(note, job, found);
    };
  }

  /** A batch is there as a whole or not at all. */
  #halves({ jobs }: Found): string[] {
    return this.#batches.flatMap((ids) => {
      const open = ids.filter((id) => !this.#removing.has(id));
      const there = open.filter((id) => jobs.has(id)).length;
      if (there === 0 || there === open.length) return [];
      return [`${there} of the ${open.length} jobs of the batch from ${open[0]} are there`];
    });
  }

  #strangers({ jobs }: Found): string[] {
    return [...jobs.values()].flatMap((job) => {
      const sizes = this.#sizes.get(job.id);
      if (sizes === undefined) return [`nobody has added the job ${job.id}`];
      const bodies = sizes.map((size) => JSON.stringify({ id: job.id, fill: 'x'.repeat(size) }));
      return bodies.includes(Buffer.from(job.body).toString()) ? [] : [`the job ${job.id} has another body`];
    });
  }

  #explain(note: Note, { jobs }: Found): string {
    const job = 'id' in note ? jobs.get(note.id) : undefined;
    const { state, generation, token } = job ?? { state: 'missing', generation: 0, token: 0 };
    return `${JSON.stringify(note).slice(0, 200)} but ${state}, generation ${generation}, token ${token}`;
  }
}

/** Of a job in the generation of the note. */
function isAsFar(note: Note, job: JobRecord, found: Found): boolean {
  switch (note.note) {
    case 'claimed':
      return job.token >= note.token;
    case 'ended':
      if (job.token !== note.token) return job.token > note.token;
      return (AFTER[note.state] ?? [note.state]).includes(job.state) && hasResult(note.state, job);
    case 'cancelled':
      return job.state === 'cancelled';
    case 'promoted':
      return job.state !== 'delayed' || job.claims > 0;
    case 'progress':
      return job.progress !== null && Number(Buffer.from(job.progress).toString()) >= note.value;
    case 'logged':
      return found.lines.get(job.id)?.includes(`line of ${job.id}`) ?? true;
    default:
      // A redrive raises the generation, and this one is the old one still.
      return false;
  }
}

function hasResult(state: JobState, { id, result }: JobRecord): boolean {
  if (state !== 'completed' || result === null) return true;
  return Buffer.from(result).toString() === JSON.stringify({ id });
}

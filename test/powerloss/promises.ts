/**
 * What the store has promised so far, and whether the jobs that were found after a power cut keep it. A job may be
 * further than what was acknowledged, by a write that was under way, and never less far. Only claims may be undone by a
 * power cut, as if they had never been: whole calls, and none that was answered before something was asked for that has
 * been acknowledged since.
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
  /** Claims that the power cut has undone, as it may. */
  readonly undone: number;
  /** What must be impossible, acknowledged or not: half a batch, a job twice, one that nobody added, other bytes. */
  readonly wrong: readonly string[];
}

type Claim = Extract<Note, { readonly note: 'claimed' }>;
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
  readonly #claims: Claim[] = [];
  /** So many of the claims are on the disk, since later writes were acknowledged. */
  #firm = 0;
  /** How many claims there were when a write was asked for. */
  readonly #asked = new Map<string, number>();

  get count(): number {
    return this.#promised.length;
  }

  take(note: Note): void {
    this.#confirm(note);
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
      case 'claimed':
        this.#claims.push(note);
        this.#promise(note, this.#ofClaim(note, this.#claims.length));
        return;
      default:
        this.#promise(note, this.#ofJob(note));
    }
  }

  judge(found: Found): Judgement {
    const broken = this.#promised.filter(({ isKept }) => !isKept(found));
    const lost = broken.map(({ kind, note }) => ({ kind, detail: this.#explain(note, found) }));
    const wrong = [
      ...this.#halves(found),
      ...this.#halfClaims(found),
      ...this.#strangers(found),
      ...found.doubled,
    ];
    return { lost, undone: this.#claims.filter((note) => isUndone(note, found)).length, wrong };
  }

  /** All that was noted so far is on the disk, whatever it says of itself. */
  confirmAll(): void {
    this.#firm = this.#claims.length;
  }

  /** What is on the disk has all before it there, too. */
  #confirm(note: Note): void {
    const key = 'ids' in note ? (note.ids[0] ?? '') : 'id' in note ? note.id : '';
    if (['adding', 'removing', 'changing'].includes(note.note)) this.#asked.set(key, this.#claims.length);
    if (!['added', 'removed', 'changed'].includes(note.note)) return;
    this.#firm = Math.max(this.#firm, this.#asked.get(key) ?? 0);
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

  #ofClaim(note: Claim, number: number): Check {
    const isThere = this.#ofJob(note);
    return (found) => isThere(found) || (number > this.#firm && isUndone(note, found));
  }

  /** A call has given out all of its jobs or none. */
  #halfClaims(found: Found): string[] {
    const calls = new Set(this.#claims.flatMap(({ call }) => call ?? []));
    return [...calls].flatMap((name) => {
      const claims = this.#claims.filter(({ call }) => call === name);
      const undone = claims.filter((note) => isUndone(note, found)).length;
      if (undone === 0 || undone === claims.length) return [];
      return [`${undone} of the ${claims.length} jobs of the claim ${name} are as if it had never been`];
    });
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

/** As if it had never been: the job waits as before. */
function isUndone({ id, generation, token }: Claim, { jobs }: Found): boolean {
  const job = jobs.get(id);
  if (job === undefined || job.generation !== generation || job.token >= token) return false;
  return job.state === 'waiting' || job.state === 'delayed';
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

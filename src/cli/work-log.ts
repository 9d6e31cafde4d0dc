/** One line for everything that becomes of a job: for people, for a pipe, or as JSON. */

import { formatDuration } from '../job/wording.ts';
import type { Job } from '../queue/job.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Worker } from '../worker/worker.ts';
import type { Speaker } from './cli.ts';
import { toJson } from './json-text.ts';
import { cutText, safeText } from './safe-text.ts';
import { paintFor, type Tint } from './style.ts';

/** What is told of an event, whatever the form. Undefined fields are left out. */
export interface WorkEvent {
  readonly event: string;
  readonly queue?: string;
  readonly id?: string;
  readonly name?: string;
  readonly attempt?: number;
  readonly ms?: number;
  readonly delayMs?: number;
  readonly reason?: string;
  readonly error?: { readonly name: string; readonly message: string };
  readonly crashes?: number;
  readonly state?: string;
  readonly queues?: readonly string[];
  readonly signal?: string;
  readonly message?: string;
}

interface Started {
  readonly atMs: number;
  readonly attempt: number;
}

export class WorkLog {
  readonly #speaker: Speaker;
  readonly #clock: Clock;
  readonly #started = new WeakMap<object, Started>();

  constructor(speaker: Speaker) {
    this.#speaker = speaker;
    this.#clock = speaker.cli.clock;
  }

  /** Listens to a worker from now on. */
  follow(worker: Worker): void {
    worker.on('active', (job: Job) => {
      this.#started.set(job, { atMs: this.#clock.monotonic(), attempt: job.attempt });
    });
    worker.on('completed', (job: Job) => this.tell({ event: 'completed', ...this.#end(job) }));
    worker.on('retrying', (job: Job, error, delayMs) =>
      this.tell({ event: 'retrying', ...this.#end(job), error: brief(error), delayMs }),
    );
    worker.on('failed', (job: Job | undefined, error) =>
      this.tell({ event: 'failed', ...(job === undefined ? {} : this.#end(job)), error: brief(error) }),
    );
    for (const event of ['cancelled', 'released', 'lease-lost'] as const) {
      worker.on(event, (job: Job, reason: string) => this.tell({ event, ...this.#end(job), reason }));
    }
    worker.on('reclaimed', ({ queue, id, crashes, state }) =>
      this.tell({ event: 'reclaimed', queue, id, crashes, state }),
    );
    worker.on('error', (error) => this.tell({ event: 'error', queue: worker.name, message: error.message }));
    worker.on('recovered', (ms) => this.tell({ event: 'recovered', queue: worker.name, ms }));
  }

  tell(event: WorkEvent): void {
    const { cli, options } = this.#speaker;
    if (options.json === true) cli.terminal.out.write(`${toJson({ at: this.#clock.now(), ...event })}\n`);
    else if (cli.terminal.out.isTerminal) cli.terminal.out.write(this.#forPeople(event));
    else cli.terminal.out.write(this.#forPipe(event));
  }

  #end(job: Job): WorkEventOfJob {
    const started = this.#started.get(job);
    const of = { queue: job.queueName, id: job.id, name: job.name };
    if (started === undefined) return of;
    const ms = Math.round((this.#clock.monotonic() - started.atMs) * 10) / 10;
    return { ...of, attempt: started.attempt, ms };
  }

  #forPeople(event: WorkEvent): string {
    const { out } = this.#speaker.cli.terminal;
    const paint = paintFor(out);
    const [sign, tint] = SIGNS[event.event] ?? ['·', 'dim'];
    const at = paint('dim', new Date(this.#clock.now()).toTimeString().slice(0, 8));
    const text = cutText(safeText(subjectOf(event) + detailOf(event)), out.columns - 12);
    return `${at} ${paint(tint, sign)} ${tint === 'bad' ? paint(tint, text) : text}\n`;
  }

  #forPipe(event: WorkEvent): string {
    const { queue = '', id = '', name = '', ms } = event;
    const at = new Date(this.#clock.now()).toISOString();
    const cells = [
      at,
      event.event,
      queue,
      id,
      name,
      ms === undefined ? '' : `${ms} ms`,
      detailOf(event).trimStart(),
    ];
    return `${cells.map(safeText).join('\t')}\n`;
  }
}

type WorkEventOfJob = Omit<WorkEvent, 'event'>;

const SIGNS: Readonly<Record<string, readonly [string, Tint]>> = {
  completed: ['✓', 'good'],
  retrying: ['↻', 'warn'],
  failed: ['✗', 'bad'],
  cancelled: ['⊘', 'warn'],
  released: ['↩', 'dim'],
  'lease-lost': ['!', 'warn'],
  reclaimed: ['!', 'warn'],
  error: ['!', 'bad'],
  recovered: ['✓', 'good'],
};

function brief(error: Error): { readonly name: string; readonly message: string } {
  return { name: error.name, message: error.message };
}

function subjectOf({ event, queue, id, name, ms }: WorkEvent): string {
  if (id === undefined) return event;
  const took = ms === undefined ? '' : ` ${formatDuration(ms)}`;
  return `${queue}/${name ?? '?'} ${id}${took}`;
}

/** What follows the job, with a space before it. */
function detailOf(event: WorkEvent): string {
  const { error, delayMs, attempt, reason } = event;
  const cause = error === undefined ? '' : `${error.name}: ${error.message}`;
  switch (event.event) {
    case 'retrying':
      return ` attempt ${attempt} failed, next in ${formatDuration(delayMs ?? 0)}: ${cause}`;
    case 'failed':
      return ` dead letter after attempt ${attempt ?? '?'}: ${cause}`;
    case 'reclaimed':
      return ` taken back from a lost worker, crash ${event.crashes}, now ${event.state}`;
    case 'error':
      return ` ${event.message}`;
    case 'started':
      return ` ${event.queues?.join(', ')}`;
    case 'stopping':
      return ` ${event.signal}: no new jobs, waiting for those that run; once more to end at once`;
    case 'recovered':
      return ` works again after ${formatDuration(event.ms ?? 0)}`;
    default:
      return reason === undefined ? '' : ` ${event.event}: ${reason}`;
  }
}

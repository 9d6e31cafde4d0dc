import type { Head, HistoryLine, JobName, LoggedFault, LoggedRow, LoggedRun, Scope } from '../line.ts';
import { type Dump, type Evidence, type Fault, keyOf, type ProcessEvidence, type Run } from './evidence.ts';
import { push } from './push.ts';
import { type SharedTime, sharedTime } from './times.ts';

type FromEvents = Pick<
  Evidence,
  'scope' | 'processes' | 'isCut' | 'runs' | 'faults' | 'dumps' | 'at' | 'toleranceMs'
>;

/** What the lines say that are not calls: processes, runs, faults, dumps, and what the recorder vouches for. */
export class Events {
  readonly #lines: readonly HistoryLine[];
  readonly #heads = new Map<string, HistoryLine>();
  readonly #time: SharedTime;

  constructor(lines: readonly HistoryLine[], toleranceMs: number) {
    this.#lines = lines;
    for (const line of lines) {
      if (line.kind === 'head' && !this.#heads.has(line.process)) this.#heads.set(line.process, line);
    }
    this.#time = sharedTime(this.#heads, toleranceMs);
  }

  get at(): (line: HistoryLine) => number {
    return this.#time.at;
  }

  evidence(): FromEvents {
    const processes = this.#processes();
    return {
      ...this.#time,
      processes,
      isCut: [...processes.values()].some(({ missing }) => missing > 0),
      scope: this.#scope(),
      runs: this.#runs(),
      faults: this.#faults(),
      dumps: dumpsOf(this.#lines, this.#time.at),
    };
  }

  #events(op: string): HistoryLine[] {
    return this.#lines.filter((line) => line.kind === 'event' && line.op === op);
  }

  /** What is vouched for once holds for all; of bounds the widest. */
  #scope(): Scope {
    const scopes = this.#events('scope').map(({ args }) => args as Scope);
    return Object.assign({}, ...scopes) as Scope;
  }

  #processes(): Map<string, ProcessEvidence> {
    const found = new Map<
      string,
      { first: HistoryLine; last: HistoryLine; count: number; closed: boolean }
    >();
    for (const line of this.#lines) {
      const known = found.get(line.process);
      const closed = line.op === 'close' && line.kind === 'ok';
      if (known === undefined) found.set(line.process, { first: line, last: line, count: 1, closed });
      else {
        known.last = line;
        known.count++;
        known.closed ||= closed;
      }
    }
    return new Map(
      [...found].map(([name, { first, last, count, closed }]) => {
        const head = (this.#heads.get(name)?.args as Head | undefined) ?? null;
        return [name, { head, first, last, missing: Math.max(0, last.seq - count), closed }];
      }),
    );
  }

  #runs(): Map<number, Run[]> {
    const runs = new Map<number, Run[]>();
    for (const start of this.#events('run-start')) {
      const run = start.args as LoggedRun;
      push(runs, run.token, { ...run, start });
    }
    return runs;
  }

  #faults(): Fault[] {
    const ends = new Map(this.#events('fault-end').map((line) => [(line.args as { id: string }).id, line]));
    return this.#events('fault').map((begin) => {
      const fault = begin.args as LoggedFault;
      return { ...fault, begin, end: ends.get(fault.id) ?? null };
    });
  }
}

/** In the order of their ends; one that was broken off is none. */
function dumpsOf(lines: readonly HistoryLine[], at: (line: HistoryLine) => number): Dump[] {
  const rows = new Map<string, LoggedRow[]>();
  const begins = new Map<string, HistoryLine>();
  const dumps: (Dump & { readonly endedAt: number })[] = [];
  for (const line of lines) {
    if (line.op === 'row' && line.kind === 'event') {
      const { dump, ...row } = line.args as LoggedRow & { readonly dump: number };
      push(rows, `${line.process} ${dump}`, row as LoggedRow);
    } else if (line.op === 'dump' && line.kind === 'invoke') {
      begins.set(`${line.process} ${line.seq}`, line);
    } else if (line.op === 'dump' && line.kind === 'ok') {
      const key = `${line.process} ${line.call}`;
      const begin = begins.get(key);
      if (begin !== undefined) dumps.push({ ...dumpOf(rows.get(key) ?? [], begin, line), endedAt: at(line) });
    }
  }
  return dumps.sort((one, other) => one.endedAt - other.endedAt);
}

function dumpOf(rows: readonly LoggedRow[], begin: HistoryLine, end: HistoryLine): Dump {
  const jobs = new Map<string, Extract<LoggedRow, { row: 'job' }>['value']>();
  const attempts = new Map<number, Extract<LoggedRow, { row: 'attempt' }>['value']>();
  const queues = new Map<string, Extract<LoggedRow, { row: 'queue' }>['value']>();
  const leases: Extract<LoggedRow, { row: 'lease' }>['value'][] = [];
  const logs: JobName[] = [];
  for (const { row, value } of rows) {
    if (row === 'job') jobs.set(keyOf(value), value);
    else if (row === 'attempt') attempts.set(value.token, value);
    else if (row === 'queue') queues.set(value.queue, value);
    else if (row === 'lease') leases.push(value);
    else logs.push(value);
  }
  return { call: { begin, end }, jobs, attempts, queues, leases, logs };
}

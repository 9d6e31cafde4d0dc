/**
 * Adds one job a line, in batches. While one batch is with the store the next is read; a third one waits, so that
 * memory does not grow with the input.
 */

import { MillraceError } from '../errors.ts';
import { formatCount } from '../job/wording.ts';
import type { NewJob } from '../store/store.ts';
import { applyEffects } from './apply.ts';
import { note } from './cli.ts';
import { type InputLine, readLines } from './line-reader.ts';
import type { JobMaker } from './new-job.ts';
import type { Opened } from './open-store.ts';
import { idAt, readPayload } from './payload-text.ts';
import { bar, type ProgressLine, progressLine } from './progress-line.ts';
import { cutText, safeText } from './safe-text.ts';

export interface LineInput {
  readonly chunks: AsyncIterable<Uint8Array>;
  /** Bytes in all; null when nobody knows. */
  readonly bytes: number | null;
  readonly maxBytes: number;
  /** Where in the payload the id stands; null for made ones. */
  readonly idPath: readonly string[] | null;
}

export interface LineTally {
  lines: number;
  added: number;
  duplicates: number;
  malformed: number;
}

/** A batch goes out when it has this many jobs or bytes. */
const BATCH_JOBS = 500;
const BATCH_BYTES = 8 * 1024 * 1024;

export async function addLines(opened: Opened, maker: JobMaker, input: LineInput): Promise<LineTally> {
  const adding = new LineAdder(opened, maker, input);
  await adding.run();
  return adding.tally;
}

class LineAdder {
  readonly tally: LineTally = { lines: 0, added: 0, duplicates: 0, malformed: 0 };
  readonly #opened: Opened;
  readonly #maker: JobMaker;
  readonly #input: LineInput;
  readonly #progress: ProgressLine;
  readonly #startedMs: number;
  #batch: NewJob[] = [];
  #batchBytes = 0;
  #readBytes = 0;
  /** The batch that is with the store. */
  #underWay: Promise<void> = Promise.resolve();

  constructor(opened: Opened, maker: JobMaker, input: LineInput) {
    this.#opened = opened;
    this.#maker = maker;
    this.#input = input;
    this.#progress = progressLine(opened.cli.terminal.err, opened.cli.clock);
    this.#startedMs = opened.cli.clock.monotonic();
  }

  async run(): Promise<void> {
    try {
      for await (const line of readLines(this.#input.chunks, this.#input.maxBytes)) await this.#take(line);
      await this.#send();
      await this.#underWay;
    } finally {
      this.#progress.clear();
    }
  }

  async #take(line: InputLine): Promise<void> {
    this.tally.lines = line.number;
    this.#readBytes = line.endAt;
    const job = 'text' in line ? this.#jobOf(line.number, line.text) : null;
    if ('problem' in line) this.#complain(line.number, line.problem);
    if (job !== null) {
      this.#batch.push(job);
      this.#batchBytes += job.body.byteLength;
    }
    if (this.#batch.length >= BATCH_JOBS || this.#batchBytes >= BATCH_BYTES) await this.#send();
  }

  #jobOf(number: number, text: string): NewJob | null {
    const { idPath, maxBytes } = this.#input;
    try {
      const { body, value } = readPayload(text, maxBytes);
      return this.#maker.make(body, idPath === null ? undefined : idAt(value, idPath));
    } catch (error) {
      if (!(error instanceof MillraceError)) throw error;
      this.#complain(number, error.message, text);
      return null;
    }
  }

  /** The other lines go on; that some were left out is told by the exit code. */
  #complain(number: number, problem: string, text = ''): void {
    this.tally.malformed += 1;
    this.#progress.clear();
    const shown = text === '' ? '' : `: ${cutText(safeText(text), 60)}`;
    this.#opened.cli.terminal.err.write(`line ${number}: ${safeText(problem)}${shown}\n`);
  }

  async #send(): Promise<void> {
    const jobs = this.#batch;
    if (jobs.length === 0) return;
    this.#batch = [];
    this.#batchBytes = 0;
    await this.#underWay;
    this.#underWay = this.#apply(jobs, this.tally.lines);
    // Its failure is thrown where it is waited for; until then it must not count as unhandled.
    this.#underWay.catch(() => {});
  }

  async #apply(jobs: readonly NewJob[], lastLine: number): Promise<void> {
    try {
      const [result] = await applyEffects(this.#opened, [{ op: 'add', jobs }]);
      const outcomes = result?.op === 'add' ? result.jobs : [];
      const duplicates = outcomes.filter(({ outcome }) => outcome === 'duplicate').length;
      this.tally.added += outcomes.length - duplicates;
      this.tally.duplicates += duplicates;
      this.#progress.update(() => this.#progressText());
    } catch (error) {
      const { added, duplicates } = this.tally;
      this.#progress.clear();
      note(
        this.#opened,
        `Stopped in the batch that ends with line ${lastLine}: ${formatCount(added)} jobs were added before it, ` +
          `${formatCount(duplicates)} were there already. Nothing of this batch was acknowledged.`,
      );
      throw error;
    }
  }

  #progressText(): string {
    const { added, duplicates } = this.tally;
    const seconds = (this.#opened.cli.clock.monotonic() - this.#startedMs) / 1_000;
    const rate = seconds > 0 ? formatCount((added + duplicates) / seconds) : '0';
    const share = this.#input.bytes === null ? '' : `${bar(this.#readBytes / this.#input.bytes)}  `;
    return `${share}${formatCount(added + duplicates)} jobs, ${rate}/s`;
  }
}

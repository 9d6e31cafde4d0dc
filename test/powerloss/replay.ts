/** Plays a recording, cuts the power at the planned moments, and counts what that did. */

import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { chanceOf } from './chance.ts';
import { Disk } from './disk.ts';
import { imageOf, type WayName } from './image.ts';
import { inspect, type Outcome, writeImage } from './inspect.ts';
import type { PromiseKind } from './note.ts';
import { planShots, type Shot } from './plan.ts';
import { Promises } from './promises.ts';
import type { Recording } from './record.ts';
import { imagesFolder } from './scratch.ts';
import { sweep } from './sweep.ts';

export interface Tally {
  images: number;
  unopenable: number;
  corrupt: number;
  /** Images in which an acknowledged write is missing. */
  withLosses: number;
  /** Images in which a claim is undone, as it may. */
  withUndone: number;
  /** Images with something that must not be, acknowledged or not: half a batch, a job twice. */
  wrong: number;
}

export interface Verdict extends Tally {
  readonly scenario: string;
  readonly seed: number;
  /** Calls that changed files. */
  readonly steps: number;
  readonly flushes: number;
  /** Acknowledged writes at the end. */
  readonly acknowledged: number;
  readonly mostLost: number;
  readonly mostUndone: number;
  /** Images that were looked at in full, and then worked with. */
  readonly thorough: number;
  readonly byWay: Partial<Record<WayName, Tally>>;
  /** By what the writer did at that moment. */
  readonly byPhase: Record<string, Tally>;
  readonly lostByKind: Partial<Record<PromiseKind, number>>;
  /** The first few of what was found, in words. */
  readonly examples: readonly string[];
}

export interface ReplayOptions {
  readonly images: number;
  readonly seed: number;
  /** Notes of before the recording. */
  readonly promised?: Promises;
}

/** Every so many images are looked at in full; more of them at moments when the file is opened, made or migrated. */
const THOROUGH_EVERY = 40;
const THOROUGH_EVERY_AT_OPEN = 5;
const EXAMPLES = 5;
const SWEEP_EVERY = 50;

const BAD: ReadonlySet<keyof Tally> = new Set<keyof Tally>(['unopenable', 'corrupt', 'withLosses', 'wrong']);

const newTally = (): Tally => ({
  images: 0,
  unopenable: 0,
  corrupt: 0,
  withLosses: 0,
  withUndone: 0,
  wrong: 0,
});

export async function replay(recording: Recording, options: ReplayOptions): Promise<Verdict> {
  const { images, seed, promised = new Promises() } = options;
  const shots = byMoment(planShots(recording, images, seed));
  const run = new Run(recording, promised, seed);
  try {
    for (const [index, step] of recording.steps.entries()) {
      if (step.kind === 'note') run.take(step.note);
      else {
        await run.shoot(shots.get(index) ?? []);
        run.apply(step, index);
      }
    }
    await run.shoot(shots.get(recording.steps.length) ?? []);
    return run.verdict();
  } finally {
    run.end();
  }
}

function byMoment(shots: readonly Shot[]): Map<number, Shot[]> {
  const map = new Map<number, Shot[]>();
  for (const shot of shots) map.set(shot.moment, [...(map.get(shot.moment) ?? []), shot]);
  return map;
}

class Run {
  readonly #recording: Recording;
  readonly #promises: Promises;
  readonly #seed: number;
  readonly #disk: Disk;
  readonly #folder = mkdtempSync(join(imagesFolder(), 'millrace-images-'));
  readonly #sum = newTally();
  readonly #byWay: Partial<Record<WayName, Tally>> = {};
  readonly #byPhase: Record<string, Tally> = {};
  readonly #lostByKind: Partial<Record<PromiseKind, number>> = {};
  readonly #examples: string[] = [];
  #phase = 'start';
  #mostLost = 0;
  #mostUndone = 0;
  #thorough = 0;

  constructor(recording: Recording, promises: Promises, seed: number) {
    this.#recording = recording;
    this.#promises = promises;
    this.#seed = seed;
    this.#disk = new Disk(recording.before, recording.root);
  }

  take(note: Parameters<Promises['take']>[0]): void {
    if (note.note === 'phase') this.#phase = note.phase;
    this.#promises.take(note);
  }

  apply(...[step, order]: Parameters<Disk['apply']>): void {
    this.#disk.apply(step, order);
  }

  async shoot(shots: readonly Shot[]): Promise<void> {
    for (const { moment, way, take } of shots) {
      const random = chanceOf(this.#seed, moment, way, take);
      writeImage(imageOf(this.#disk, way, random), this.#recording.root, this.#folder);
      const every = this.#phase === 'open' ? THOROUGH_EVERY_AT_OPEN : THOROUGH_EVERY;
      const isThorough = this.#sum.images % every === 0;
      const path = join(this.#folder, this.#recording.database.slice(this.#recording.root.length));
      this.#thorough += isThorough ? 1 : 0;
      const where = `${this.#recording.scenario}, call ${moment}, ${way}, take ${take}, in "${this.#phase}"`;
      this.#count(await inspect(path, isThorough), way, where);
      if (this.#sum.images % SWEEP_EVERY === 0) await sweep();
    }
  }

  #count(outcome: Outcome, way: WayName, where: string): void {
    this.#byWay[way] ??= newTally();
    this.#byPhase[this.#phase] ??= newTally();
    const tallies = [this.#sum, this.#byWay[way], this.#byPhase[this.#phase]].filter(
      (tally) => tally !== undefined,
    );
    const add = (key: keyof Tally, says: string): void => {
      for (const tally of tallies) tally[key] += 1;
      if (BAD.has(key) && this.#examples.length < EXAMPLES)
        this.#examples.push(`${where}: ${key}: ${says.replaceAll(this.#folder, '')}`);
    };
    add('images', '');
    if (outcome.outcome !== 'whole') {
      add(outcome.outcome, outcome.why);
      return;
    }
    const { lost, undone, wrong } = this.#promises.judge(outcome.found);
    for (const { kind } of lost) this.#lostByKind[kind] = (this.#lostByKind[kind] ?? 0) + 1;
    this.#mostLost = Math.max(this.#mostLost, lost.length);
    this.#mostUndone = Math.max(this.#mostUndone, undone);
    if (undone > 0) add('withUndone', '');
    if (lost[0] !== undefined) add('withLosses', lost[0].detail);
    if (wrong[0] !== undefined) add('wrong', wrong[0]);
  }

  verdict(): Verdict {
    const { scenario, steps } = this.#recording;
    const calls = steps.filter(({ kind }) => kind !== 'note');
    return {
      ...{ scenario, seed: this.#seed, steps: calls.length },
      flushes: calls.filter(({ kind }) => kind === 'flush').length,
      acknowledged: this.#promises.count,
      ...this.#sum,
      ...{ mostLost: this.#mostLost, mostUndone: this.#mostUndone, thorough: this.#thorough },
      ...{ byWay: this.#byWay, byPhase: this.#byPhase },
      ...{ lostByKind: this.#lostByKind, examples: this.#examples },
    };
  }

  end(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

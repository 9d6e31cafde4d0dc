/** Which images are looked at, of the many more that there could be. */

import { chanceOf, shuffled } from './chance.ts';
import { Disk } from './disk.ts';
import { WAY_NAMES, type WayName, wayOf } from './image.ts';
import type { Recording } from './record.ts';
import type { DiskStep } from './trace.ts';

export interface Shot {
  /** Number of the step that comes next, or the count of steps at the end. */
  readonly moment: number;
  readonly way: WayName;
  /** Ways that know chance are taken more than once of one moment. */
  readonly take: number;
}

interface Moment {
  readonly moment: number;
  /** What the writer did. */
  readonly phase: string;
  readonly ways: readonly WayName[];
  /** More than a plain commit is under way: names, a checkpoint, a file cut short. */
  readonly isSpecial: boolean;
}

/** These are few and tell most, so they come first: all that was promised by the last moment before each flush. */
const TELLING: readonly WayName[] = ['lost', 'no-names', 'names-only'];
const TELLING_PART = 0.2;
const SPECIAL_PART = 0.35;
const MAX_TAKES = 50;

/** The disk stands still at each of these: right before a step that changes it, with all notes until then taken. */
function momentsOf(recording: Recording): Moment[] {
  const disk = new Disk(recording.before, recording.root);
  const moments: Moment[] = [];
  let phase = 'start';
  const look = (moment: number, next: DiskStep | null): void => {
    const ways = disk.hasPending
      ? WAY_NAMES.filter((name) => wayOf(name).applies(disk))
      : (['kept'] as const);
    // What is lost is the same until the next flush; the last moment before it knows most promises.
    const isLast = next === null || next.kind === 'flush';
    moments.push({
      ...{ moment, phase },
      ways: ways.filter((name) => isLast || (name !== 'lost' && name !== 'names-only')),
      isSpecial: disk.pendingNames.length > 0 || isCheckpoint(disk) || next?.kind === 'truncate',
    });
  };
  recording.steps.forEach((step, index) => {
    if (step.kind === 'note') {
      if (step.note.note === 'phase') phase = step.note.phase;
      return;
    }
    look(index, step);
    disk.apply(step, index);
  });
  look(recording.steps.length, null);
  return moments;
}

const isCheckpoint = (disk: Disk): boolean =>
  disk.files().some(([path, { pending }]) => path.endsWith('.db') && pending.length > 0);

/** The same recording, number and seed give the same plan. */
export function planShots(recording: Recording, count: number, seed: number): Shot[] {
  const moments = momentsOf(recording);
  const random = chanceOf('plan', seed);
  const telling = shuffled(
    shotsOf(moments, 0).filter(({ way }) => TELLING.includes(way)),
    random,
  );
  const special = draw(
    moments.filter(({ isSpecial }) => isSpecial),
    count,
    random,
  );
  const plain = draw(
    moments.filter(({ isSpecial }) => !isSpecial),
    count,
    random,
  );
  const chosen = new Map<string, Shot>();
  const take = (shots: readonly Shot[], most: number): void => {
    for (const shot of shots) {
      if (chosen.size >= most) return;
      chosen.set(`${shot.moment} ${shot.way} ${shot.take}`, shot);
    }
  };
  take(telling, count * TELLING_PART);
  take(special, count * (TELLING_PART + SPECIAL_PART));
  take(plain, count);
  take(special, count);
  return [...chosen.values()];
}

function shotsOf(moments: readonly Moment[], take: number): Shot[] {
  const all = moments.flatMap(({ moment, ways }) => ways.map((way) => ({ moment, way, take })));
  return take === 0 ? all : all.filter(({ way }) => wayOf(way).isRandom);
}

/** From each phase in turn, so that short ones count as much; each image once, and only then chance again. */
function draw(moments: readonly Moment[], count: number, random: () => number): Shot[] {
  const phases = [...new Set(moments.map(({ phase }) => phase))];
  const shots: Shot[] = [];
  for (let take = 0; take < MAX_TAKES && shots.length < count; take += 1) {
    const byPhase = phases.map((phase) =>
      shuffled(
        shotsOf(
          moments.filter((moment) => moment.phase === phase),
          take,
        ),
        random,
      ),
    );
    const longest = Math.max(0, ...byPhase.map(({ length }) => length));
    for (let turn = 0; turn < longest; turn += 1)
      shots.push(...byPhase.flatMap((own) => own.slice(turn, turn + 1)));
  }
  return shots;
}

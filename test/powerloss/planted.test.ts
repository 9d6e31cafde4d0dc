import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BUGS, plant } from './bugs.ts';
import { type Build, buildAtNormal } from './builds.ts';
import { figuresOf, inWords, isAble, makeFolder, prove, SEED } from './proof.ts';
import { type Recording, record } from './record.ts';
import { replay, type Verdict } from './replay.ts';

const PLANTED_IMAGES = 100;
const NORMAL_IMAGES = 250;

const bad = ({ unopenable, corrupt, wrong, withLosses }: Verdict): number =>
  unopenable + corrupt + wrong + withLosses;

describe.skipIf(!isAble)(`what the test of power loss must find (seed ${SEED})`, () => {
  const folder = makeFolder();
  let recording: Recording;
  const verdicts: Verdict[] = [];
  const planted: { bug: string; seed: number | null; check: string }[] = [];

  beforeAll(() => {
    recording = record(folder.path, { scenario: 'everything', rounds: 1 });
  }, 300_000);
  afterAll(() => {
    const figures = {
      'bugs planted': planted.length,
      'bugs found': planted.filter(({ seed }) => seed).length,
    };
    const title = 'what the test of power cuts must find';
    prove({ name: 'power-loss-planted', title, figures, planted }, verdicts);
    folder.remove();
  });

  async function cut(of: Recording, images: number): Promise<Verdict> {
    const verdict = await replay(of, { images, seed: SEED });
    verdicts.push(verdict);
    process.stdout.write(`${inWords(verdict)}\n`);
    return verdict;
  }

  it('finds nothing in the recording as it is', async () => {
    expect(bad(await cut(recording, PLANTED_IMAGES))).toBe(0);
  });

  it.each(Object.keys(BUGS))('finds that %s', async (bug) => {
    const verdict = await cut(plant(bug, recording), PLANTED_IMAGES);
    const check = `${bad(verdict)} of ${verdict.images} images are bad`;
    planted.push({ bug, seed: bad(verdict) > 0 ? SEED : null, check });
    expect(bad(verdict)).toBeGreaterThan(0);
  });

  it('gives the same images for the same recording and seed', async () => {
    const bug = 'nothing is flushed';
    const [one, other] = [await cut(plant(bug, recording), 40), await cut(plant(bug, recording), 40)];

    expect(other).toEqual(one);
  });

  describe('at `synchronous = normal`', () => {
    let build: Build;
    let verdict: Verdict;

    beforeAll(async () => {
      build = buildAtNormal();
      const place = makeFolder();
      const atNormal = record(place.path, { scenario: 'everything', rounds: 1, dist: build.dist });
      verdict = await cut({ ...atNormal, scenario: 'everything, at synchronous = normal' }, NORMAL_IMAGES);
      const title = 'the same at `synchronous = normal`, in a build made for this test: it has to lose';
      prove({ name: 'power-loss-at-normal', title, figures: figuresOf(verdict) }, [verdict]);
      place.remove();
    }, 600_000);
    afterAll(() => build?.remove());

    it('loses acknowledged writes', () => {
      expect(verdict.withLosses).toBeGreaterThan(10);
      expect(verdict.mostLost).toBeGreaterThan(1);
    });

    it('still leaves a file that opens and is whole, which is what that level promises', () => {
      expect({ unopenable: verdict.unopenable, corrupt: verdict.corrupt }).toEqual({
        unopenable: 0,
        corrupt: 0,
      });
    });

    it('flushes less often than the build that ships', () => {
      const flushes = recording.steps.filter(({ kind }) => kind === 'flush').length;
      expect(verdict.flushes).toBeLessThan(flushes / 2);
    });
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  figuresOf,
  IMAGES,
  inWords,
  isAble,
  makeFolder,
  oldFile,
  prove,
  SEED,
  schemaVersion,
} from './proof.ts';
import { otherNodes, record } from './record.ts';
import { replay, type Verdict } from './replay.ts';

const SHARE = 0.2;
const CLEAN = {
  unopenable: 0,
  corrupt: 0,
  wrong: 0,
  withLosses: 0,
  mostLost: 0,
  lostByKind: {},
  examples: [],
};

describe.skipIf(!isAble)(`power loss, other beginnings (seed ${SEED})`, () => {
  const folder = makeFolder();
  const images = Math.ceil(IMAGES * SHARE);
  const keep = (verdict: Verdict, title: string): Verdict => {
    const name = `power-loss-${verdict.scenario}`;
    prove({ name, title, figures: figuresOf(verdict) }, [verdict]);
    process.stdout.write(`${inWords(verdict)}\n`);
    return verdict;
  };
  afterAll(folder.remove);

  describe('a file of an older release, migrated and worked on', () => {
    let verdict: Verdict;
    let isOlder = false;
    beforeAll(async () => {
      isOlder = (await schemaVersion()) > 1;
      const { file, promised } = oldFile();
      const recording = record(folder.path, { scenario: 'upgrade', rounds: 1, file });
      const title = 'the power is cut while a file of schema 1 is migrated and worked on';
      verdict = keep(await replay(recording, { images, seed: SEED, promised }), title);
    }, 3_600_000);

    it('was cut off while it was opened, and in the middle of the work after that', () => {
      expect(verdict.images).toBe(images);
      const phases = [...(isOlder ? ['open'] : []), 'add', 'addBulk', 'work', 'close'];
      expect(Object.keys(verdict.byPhase)).toEqual(expect.arrayContaining(phases));
    });

    it('keeps what the older release had acknowledged, and what this one has', () => {
      expect(verdict).toMatchObject(CLEAN);
    });
  });

  describe('two processes on one file, one that adds and one that works', () => {
    let verdict: Verdict;
    beforeAll(async () => {
      const recording = record(folder.path, { scenario: 'pair', rounds: 2 });
      const title = 'the power is cut while two processes use one file';
      verdict = keep(await replay(recording, { images, seed: SEED }), title);
    }, 3_600_000);

    it('was cut off often enough to mean something', () => {
      expect(verdict.images).toBe(images);
      expect(verdict.acknowledged).toBeGreaterThan(300);
    });

    it('keeps what either of them had acknowledged', () => {
      expect(verdict).toMatchObject(CLEAN);
    });
  });

  it.each(otherNodes())('keeps what Node %s with its own SQLite had acknowledged', async (version, node) => {
    const place = makeFolder();
    const recording = record(place.path, { scenario: 'everything', rounds: 1, node });
    const named = { ...recording, scenario: `node-${version}` };
    const title = `the power is cut while Node ${version} does everything that there is`;
    const verdict = keep(await replay(named, { images: Math.ceil(images / 4), seed: SEED }), title);
    place.remove();

    expect(verdict).toMatchObject(CLEAN);
  });
});

import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { WAY_NAMES } from './image.ts';
import { figuresOf, IMAGES, inWords, isAble, makeFolder, prove, SEED } from './proof.ts';
import { record } from './record.ts';
import { replay, type Verdict } from './replay.ts';

/** The other recordings share the rest. */
const SHARE = 0.6;

describe.skipIf(!isAble)(`power loss, one process that does everything (seed ${SEED})`, () => {
  const folder = makeFolder();
  let verdict: Verdict;

  beforeAll(async () => {
    const recording = record(folder.path, { scenario: 'everything', rounds: 2 });
    verdict = await replay(recording, { images: Math.ceil(IMAGES * SHARE), seed: SEED });
    const title = 'the power is cut while one process does everything that there is';
    prove({ name: 'power-loss-one-process', title, figures: figuresOf(verdict) }, [verdict]);
    process.stdout.write(`${inWords(verdict)}\n`);
  }, 3_600_000);
  afterAll(folder.remove);

  it('was cut off often enough, in every phase and every way, to mean something', () => {
    expect(verdict.images).toBe(Math.ceil(IMAGES * SHARE));
    expect(verdict.acknowledged).toBeGreaterThan(500);
    expect(Object.keys(verdict.byWay).sort()).toEqual([...WAY_NAMES].sort());
    expect(Object.keys(verdict.byPhase).sort()).toMatchInlineSnapshot(`
      [
        "add",
        "addBulk",
        "claim",
        "close",
        "configure",
        "join",
        "move",
        "open",
        "remove",
        "settle",
        "work",
      ]
    `);
  });

  it('leaves a file that opens', () => {
    expect({ unopenable: verdict.unopenable, examples: verdict.examples }).toEqual({
      unopenable: 0,
      examples: [],
    });
  });

  it('leaves a file that is whole: pages, indexes, counts, leases, attempts', () => {
    expect({ corrupt: verdict.corrupt, examples: verdict.examples }).toEqual({ corrupt: 0, examples: [] });
  });

  it('loses nothing that was acknowledged', () => {
    expect({ mostLost: verdict.mostLost, kinds: verdict.lostByKind }).toEqual({ mostLost: 0, kinds: {} });
  });

  it('has undone claims here and there, or nothing would be known of what that does', () => {
    expect(verdict.withUndone).toBeGreaterThan(0);
  });

  it('leaves no batch and no claim in halves, no job twice, and none that nobody added', () => {
    expect({ wrong: verdict.wrong, examples: verdict.examples }).toEqual({ wrong: 0, examples: [] });
  });
});

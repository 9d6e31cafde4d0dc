import type { JobRecord, JobState } from 'millrace';
import { describe, expect, it } from 'vitest';
import type { Found } from './inspect.ts';
import type { Note } from './note.ts';
import { Promises } from './promises.ts';

interface Seen {
  readonly state: JobState;
  readonly token: number;
}

const adding = (...ids: string[]): Note => ({ note: 'adding', queue: 'q', ids, sizes: ids.map(() => 0) });
const added = (...ids: string[]): Note => ({ note: 'added', queue: 'q', ids });
const claimed = (id: string, token: number, call = `call ${token}`): Note => ({
  note: 'claimed',
  ...{ id, token, call, generation: 1 },
});
const ended = (id: string, token: number): Note => ({
  note: 'ended',
  ...{ id, token, generation: 1, state: 'completed' },
});

const UNTOUCHED: Seen = { state: 'waiting', token: 0 };

function judge(notes: readonly Note[], jobs: Readonly<Record<string, Seen>>) {
  const promises = new Promises();
  for (const note of notes) promises.take(note);
  const records = Object.entries(jobs).map(([id, seen]) => {
    const body = Buffer.from(JSON.stringify({ id, fill: '' }));
    return [id, { id, body, generation: 1, result: null, ...seen } as unknown as JobRecord] as const;
  });
  const found: Found = {
    jobs: new Map(records),
    doubled: [],
    objectives: new Map(),
    operations: new Set(),
    lines: new Map(),
  };
  const { lost, undone, wrong } = promises.judge(found);
  return { lost: lost.map(({ kind }) => kind), undone, wrong: wrong.length };
}

const TWO = [adding('a', 'b'), added('a', 'b')];

describe('what a power cut may do to a claim', () => {
  it('is to undo it', () => {
    expect(judge([...TWO, claimed('a', 1)], { a: UNTOUCHED, b: UNTOUCHED })).toEqual({
      ...{ lost: [], undone: 1, wrong: 0 },
    });
  });

  it('is not to undo a part of it', () => {
    const notes = [...TWO, claimed('a', 1, 'c'), claimed('b', 2, 'c')];

    expect(judge(notes, { a: { state: 'active', token: 1 }, b: UNTOUCHED }).wrong).toBe(1);
    expect(judge(notes, { a: UNTOUCHED, b: UNTOUCHED })).toEqual({ lost: [], undone: 2, wrong: 0 });
  });

  it('is not to leave a job that neither runs nor waits', () => {
    expect(
      judge([...TWO, claimed('a', 1)], { a: { state: 'completed', token: 0 }, b: UNTOUCHED }).lost,
    ).toEqual(['claimed']);
  });

  it('is not to undo what came of it', () => {
    const notes = [...TWO, claimed('a', 1), ended('a', 1)];

    expect(judge(notes, { a: UNTOUCHED, b: UNTOUCHED }).lost).toEqual(['ended']);
  });

  it('is not to undo it when something was asked for after it, and acknowledged', () => {
    const asked = [...TWO, claimed('a', 1), adding('c')];
    const jobs = { a: UNTOUCHED, b: UNTOUCHED, c: UNTOUCHED };

    expect(judge(asked, jobs).lost).toEqual([]);
    expect(judge([...asked, added('c')], jobs).lost).toEqual(['claimed']);
    expect(judge([...TWO, adding('c'), claimed('a', 1), added('c')], jobs).lost).toEqual([]);
  });
});

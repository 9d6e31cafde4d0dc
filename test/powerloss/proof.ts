/** What the tests of this folder have in common: how many images, from which seed, and where the figures go. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gunzipSync } from 'node:zlib';
import { type Proof, writeProof } from '../support/proof.ts';
import type { Note } from './note.ts';
import { Promises } from './promises.ts';
import { canRecord, root } from './record.ts';
import type { Verdict } from './replay.ts';

/** More by hand: MILLRACE_POWERLOSS_IMAGES=50000, and another MILLRACE_SEED. */
export const IMAGES: number = Number(process.env['MILLRACE_POWERLOSS_IMAGES'] ?? 3_200);
export const SEED: number = Number(process.env['MILLRACE_SEED'] ?? 20_260_202);

/** Where CI runs, a proof that was not made is a failure; elsewhere it is said loudly. */
export const isAble: boolean = canRecord() || process.env['CI'] === 'true';
if (!isAble) process.stderr.write('!!! POWER LOSS WAS NOT TESTED: no strace that may trace is at hand !!!\n');

export interface Folder {
  readonly path: string;
  remove(): void;
}

/** Recordings are made on a real disk, as far as there is one. */
export function makeFolder(): Folder {
  const path = mkdtempSync(join(tmpdir(), 'millrace-power-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

const unpacked = (name: string): Buffer =>
  gunzipSync(readFileSync(fileURLToPath(new URL(name, import.meta.url))));

/**
 * A file as the first release left it, and what that had acknowledged. Its queues keep finished jobs for ever: the file grows
 * older from day to day, and what upkeep prunes in time is no loss.
 */
export function oldFile(): { readonly file: Buffer; readonly promised: Promises } {
  const promised = new Promises();
  const lines = unpacked('schema-1.notes.gz').toString().split('\n');
  for (const line of lines) if (line !== '') promised.take(JSON.parse(line) as Note);
  promised.confirmAll();
  return { file: unpacked('schema-1.db.gz'), promised };
}

/** Of the build that is tested. */
export async function schemaVersion(): Promise<number> {
  const file = join(root, 'dist', 'store', 'sqlite', 'migrations.js');
  return ((await import(file)) as { readonly SCHEMA_VERSION: number }).SCHEMA_VERSION;
}

/** What `docs/reliability.md` is made from, with the verdicts in full for whoever wants to know more. */
export function prove(
  proof: Pick<Proof, 'name' | 'title' | 'figures' | 'planted'>,
  verdicts: readonly Verdict[],
): void {
  const command = `MILLRACE_POWERLOSS_IMAGES=${IMAGES} MILLRACE_SEED=${SEED} npm test -- --only powerloss`;
  const whole = { ...proof, section: 'power-loss', command, seeds: [SEED], verdicts } as const;
  writeProof(whole);
}

/** The numbers that a reader wants, in words. */
export function figuresOf(verdict: Verdict): Record<string, number> {
  return {
    'calls that change files': verdict.steps,
    flushes: verdict.flushes,
    'acknowledged writes': verdict.acknowledged,
    'images opened': verdict.images,
    'images looked at in full and worked with': verdict.thorough,
    unopenable: verdict.unopenable,
    corrupt: verdict.corrupt,
    'with half a batch, or a job twice or changed': verdict.wrong,
    'with acknowledged writes lost': verdict.withLosses,
    'most acknowledged writes lost in one image': verdict.mostLost,
    'with claims that are as if they had never been, as they may': verdict.withUndone,
    'most of those in one image': verdict.mostUndone,
  };
}

/** The one line that says it. */
export function inWords(verdict: Verdict): string {
  const {
    scenario,
    steps,
    flushes,
    acknowledged,
    images,
    unopenable,
    corrupt,
    wrong,
    withLosses,
    mostLost,
    withUndone,
  } = verdict;
  return (
    `${scenario}: ${steps} calls, ${flushes} flushes, ${acknowledged} acknowledged writes, ${images} images: ` +
    `${unopenable} unopenable, ${corrupt} corrupt, ${wrong} wrong, ${withLosses} with losses (at most ${mostLost}), ${withUndone} with claims undone`
  );
}

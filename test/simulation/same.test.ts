import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { KEPT_SEEDS } from './kept-seeds.ts';
import { simulate } from './simulate.ts';

const SCRIPT = join(dirnameOf(import.meta.url), '..', '..', 'scripts', 'simulate.mjs');
const SEEDS = [1, 2, 3, 4, 5, 6];

function dirnameOf(url: string): string {
  return fileURLToPath(new URL('.', url));
}

async function hashOf(seed: number): Promise<{ seed: number; hash: string; seen: string }> {
  const { truth, seen } = await simulate(seed);
  return { seed, hash: truth.hash(), seen: seen.hash() };
}

it('tells the same history for a seed, bit by bit, in this process and in another', async () => {
  const first = [];
  for (const seed of SEEDS) first.push(await hashOf(seed));
  const again = [];
  for (const seed of [...SEEDS].reverse()) again.unshift(await hashOf(seed));

  const args = [SCRIPT, '--hash', '--seeds', String(SEEDS.length), '--from', '1'];
  const { stdout, stderr } = spawnSync(process.execPath, args, { encoding: 'utf8' });
  const elsewhere = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as object);

  expect(again).toEqual(first);
  expect(elsewhere, stderr).toEqual(first);
  expect(new Set(first.map(({ hash }) => hash)).size).toBe(SEEDS.length);
});

it.each(KEPT_SEEDS)('no longer finds what seed $seed once found: $found', async ({ seed }) => {
  const { violations } = await simulate(seed);

  expect(violations.map(({ check, message }) => `${check}: ${message}`)).toEqual([]);
});

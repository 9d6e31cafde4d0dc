import { seeded } from '../support/seeded.ts';

/** The same seed and the same words give the same numbers. */
export function chanceOf(...words: readonly (string | number)[]): () => number {
  return seeded(hashOf(words.join(' ')));
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (const letter of text) hash = Math.imul(hash ^ (letter.codePointAt(0) ?? 0), 0x01000193) >>> 0;
  return hash;
}

/** In an order that the numbers decide. */
export function shuffled<T>(all: readonly T[], random: () => number): T[] {
  const order = [...all];
  for (let index = order.length - 1; index > 0; index -= 1) {
    const other = Math.floor(random() * (index + 1));
    [order[index], order[other]] = [order[other] as T, order[index] as T];
  }
  return order;
}

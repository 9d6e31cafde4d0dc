/** Guesses what a misspelt word was meant to be, so that an error can say so. */

/** Words further away than this share of their length are not offered: a wild guess is worse than none. */
const MAX_SHARE = 0.4;
const MIN_PREFIX = 3;

/** The candidate nearest to `word`, or null when none is near. Case does not count. */
export function suggest(word: string, candidates: readonly string[]): string | null {
  const typed = word.toLowerCase();
  let best: string | null = null;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidates) {
    const limit = Math.max(1, Math.floor(Math.max(typed.length, candidate.length) * MAX_SHARE));
    const distance = nearness(typed, candidate.toLowerCase(), limit);
    if (distance <= limit && distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return best;
}

/** ` Did you mean "…"?`, with a space in front to follow a sentence, or nothing. */
export function didYouMean(word: string, candidates: readonly string[]): string {
  const best = suggest(word, candidates);
  return best === null ? '' : ` Did you mean "${best}"?`;
}

/** An abbreviation counts as nearly right, however much of the word is missing. */
function nearness(typed: string, candidate: string, limit: number): number {
  if (typed.length >= MIN_PREFIX && candidate.startsWith(typed)) return 1;
  if (Math.abs(typed.length - candidate.length) > limit) return Number.POSITIVE_INFINITY;
  return distanceOf(typed, candidate);
}

/** Insertions, deletions, replacements and swaps of neighbours (optimal string alignment). */
function distanceOf(left: string, right: string): number {
  let beforeLast: number[] = [];
  let last = Array.from({ length: right.length + 1 }, (_, column) => column);
  for (let row = 1; row <= left.length; row++) {
    const current = [row];
    for (let column = 1; column <= right.length; column++) {
      const cost = left[row - 1] === right[column - 1] ? 0 : 1;
      const swapped =
        row > 1 && column > 1 && left[row - 1] === right[column - 2] && left[row - 2] === right[column - 1]
          ? at(beforeLast, column - 2) + 1
          : Number.POSITIVE_INFINITY;
      current.push(
        Math.min(at(last, column) + 1, at(current, column - 1) + 1, at(last, column - 1) + cost, swapped),
      );
    }
    beforeLast = last;
    last = current;
  }
  return at(last, right.length);
}

function at(row: readonly number[], column: number): number {
  return row[column] ?? Number.POSITIVE_INFINITY;
}

/** Figures as people read them. */

const DIGITS = { '%': 0, B: 0, 'a job': 3, 'jobs/s': 0, '/s': 0, ms: 2, s: 2, MB: 1, '×': 2, kB: 0 };

export function numberText(value, unit) {
  const digits = DIGITS[unit] ?? 0;
  return value.toLocaleString('en', { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export const countText = (count) => count.toLocaleString('en');

export function figureText(figure, unit) {
  if (figure === undefined) return '';
  if (figure === null) return 'not measured';
  const { median, min, max, runs } = figure;
  const spread = runs > 1 ? ` (${numberText(min, unit)} to ${numberText(max, unit)})` : '';
  return `${numberText(median, unit)}${unit === '' ? '' : ` ${unit}`}${spread}`;
}

const bound = ({ atLeast, atMost }) => (atLeast !== undefined ? `≥ ${atLeast}` : `≤ ${atMost}`);

/** Without a bound it is no goal: the share is told, and nothing is expected of it. */
export function goalText(goal, unit, titles) {
  if (!goal.isGoal) return `share of ${titles[goal.beside] ?? goal.beside}`;
  if (!goal.isRatio) return `${bound(goal)} ${unit}`.trim();
  return `${bound(goal)} × ${goal.title ?? titles[goal.beside] ?? goal.beside}`;
}

export function verdictText({ isRatio, isGoal, value, reached }) {
  if (value === null) return 'not measured';
  if (!isGoal) return `${value.toFixed(2)} ×`;
  const word = reached ? 'reached' : 'MISSED';
  return isRatio ? `${value.toFixed(2)} ×, ${word}` : word;
}

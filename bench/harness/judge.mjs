/** From the series of a question to the rows of the table: medians, spreads, ratios, goals. */

import { summaryOf } from './statistics.mjs';
import { seriesKey } from './survey.mjs';

const US = 'millrace';

function figureOf(series, key, peer, variant) {
  const values = (series[seriesKey(peer, variant)] ?? []).map((answer) => answer[key]);
  const known = values.filter((value) => Number.isFinite(value));
  return known.length === 0 ? null : summaryOf(known);
}

/** Compares our median with a bound, or its ratio to another median with one. */
function judgeGoal({ beside, variant, title, atLeast, atMost }, ours, figureBeside) {
  const isRatio = beside !== undefined || variant !== undefined;
  const base = isRatio ? figureBeside(beside ?? US, variant ?? null) : null;
  const isKnown = ours !== null && (!isRatio || base !== null);
  const value = isKnown ? ours.median / (isRatio ? base.median : 1) : null;
  const isGoal = atLeast !== undefined || atMost !== undefined;
  const reached = isKnown && isGoal ? (atLeast !== undefined ? value >= atLeast : value <= atMost) : null;
  return { beside, variant, title, atLeast, atMost, isRatio, isGoal, value, reached };
}

function rowOf(row, { series }, defaultPeers) {
  const variant = row.variant ?? null;
  const peers = row.peers ?? defaultPeers;
  const figureBeside = (peer, of) => figureOf(series, row.key, peer, of ?? variant);
  const figures = Object.fromEntries(peers.map((peer) => [peer, figureOf(series, row.key, peer, variant)]));
  const goals = (row.goals ?? []).map((goal) => judgeGoal(goal, figures[US] ?? null, figureBeside));
  return { title: row.title, unit: row.unit, note: row.note, figures, goals };
}

/** The rows of a question are made for the size that was run, so that a title never tells of another. */
export function rowsOf(question, answers) {
  return question.rows(answers.size).map((row) => rowOf(row, answers, question.peers));
}

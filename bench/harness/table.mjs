/** The rows as a table for the terminal and for Markdown. */

import { figureText, goalText, verdictText } from './words.mjs';

function cellsOf(row, peers, titles) {
  return [
    row.title,
    ...peers.map((peer) => figureText(row.figures[peer], row.unit)),
    row.goals.map((goal) => goalText(goal, row.unit, titles)).join('; '),
    row.goals.map(verdictText).join('; '),
  ];
}

/** Header and body; columns that are empty throughout are left out. */
export function tableOf(rows, titles) {
  const peers = Object.keys(titles);
  const header = ['Figure', ...peers.map((peer) => titles[peer]), 'Goal', 'Outcome'];
  const body = rows.map((row) => cellsOf(row, peers, titles));
  const used = header.map((_, column) => column === 0 || body.some((cells) => cells[column] !== ''));
  const keep = (cells) => cells.filter((_, column) => used[column]);
  return [keep(header), ...body.map(keep)];
}

export function markdownTable([header, ...body]) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...body.map(line)].join('\n');
}

export function plainTable(lines) {
  const plain = lines.map((cells) => cells.map((cell) => cell.replaceAll('`', '')));
  const widths = plain[0].map((_, column) => Math.max(...plain.map((cells) => cells[column].length)));
  return plain
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column]))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

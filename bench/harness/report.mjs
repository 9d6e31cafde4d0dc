/** Writes down what a whole run found: a page for people (`docs/benchmarks.md`), and the same for programs. */

import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { root } from './paths.mjs';
import { markdownTable, tableOf } from './table.mjs';
import { numberText } from './words.mjs';

const hasGoal = (row) => row.goals.some((goal) => goal.isGoal);

/** What was measured, to the commit; nothing where there is no git. */
function commit() {
  try {
    const git = (...args) => execFileSync('git', args, { cwd: root, encoding: 'utf8' }).trim();
    const isChanged = git('status', '--porcelain', '--', 'src', 'bench', 'package.json') !== '';
    return `commit ${git('rev-parse', '--short', 'HEAD')}${isChanged ? ' with changes' : ''}`;
  } catch {
    return '';
  }
}

function headline(rows) {
  const goals = rows.flatMap((row) => row.goals).filter((goal) => goal.isGoal);
  const count = (reached) => goals.filter((goal) => goal.reached === reached).length;
  return `${count(true)} goals reached, ${count(false)} missed, ${count(null)} not measured.`;
}

function peersTable({ peers, missing }, { titles, settings }) {
  const measured = [...peers].map(([name, { version }]) => {
    const which =
      name === 'millrace' ? [version, commit()].filter((text) => text !== '').join(', ') : version;
    return [titles[name], which, settings[name]];
  });
  const absent = [...missing].map(([name, why]) => [titles[name], 'NOT MEASURED', why]);
  return markdownTable([['Measured', 'Version', 'Settings'], ...measured, ...absent]);
}

/** One sentence a figure about how close the product comes to SQLite without a queue around it. */
function limitLines(rows, titles) {
  return rows.flatMap(({ title, figures, goals, unit }) =>
    goals
      .filter((goal) => !goal.isGoal && goal.value !== null)
      .map(({ beside, value }) => {
        const [ours, limit] = [figures.millrace, figures[beside]].map(({ median }) =>
          numberText(median, unit),
        );
        return `- ${title}: ${ours} of ${limit} ${unit}, ${Math.round(value * 100)} % of ${titles[beside]}.`;
      }),
  );
}

/** How far from what no queue on SQLite can pass. */
export function limitSection({ rows, titles }) {
  return `
## How close to the limit

SQLite alone, at the same durability and in batches of 500, is what Millrace cannot pass. It comes to:

${limitLines(rows, titles).join('\n')}

The rest goes to what makes a queue of a table: checks, attempts, leases and tokens, history, counts, the way between
threads.
`;
}

function failureLines(answers) {
  const failures = answers.flatMap((answer) => answer.failures);
  if (failures.length === 0) return '';
  const lines = failures.map(({ name, key, why }) => `- ${name}, ${key}: ${why}`);
  return `\n## Not measured\n\n${lines.join('\n')}\n`;
}

const serverRows = ({ server = [] }) => server.map(([part, is]) => `| ${part} | ${is} |\n`).join('');

/** The page as text; apart from writing it, for its test. */
export function pageOf({ answers, rows, peers, machine, minutes, options }, date) {
  const { store } = options;
  const { titles } = store.peers;
  const withGoal = rows.filter(hasGoal);
  return `# ${store.title}

Made by \`${options.command}\` on ${date} in ${Math.round(minutes)} minutes; do not edit by hand. How to run it and what it does: [how to run the benchmarks](how-to/run-the-benchmarks.md).

**${headline(rows)}** Each figure is the median of the runs, with the lowest and the highest; ratios are ratios of medians,
of us and of peers that ran in turn, in fresh processes, on the same machine in the same minutes.

## Goals

${markdownTable(tableOf(withGoal, titles))}
${store.section({ answers, rows, titles })}
## For information

${markdownTable(
  tableOf(
    rows.filter((row) => !hasGoal(row)),
    titles,
  ),
)}
${failureLines(answers)}
## Who, and how set up

${peersTable(peers, store.peers)}

## On what

| Part | Is |
| --- | --- |
| Processor | ${machine.cpu} |
| Memory | ${machine.memory} |
| System | ${machine.system} |
| File system | ${machine.fileSystem} |
| Node | ${machine.node} |
${serverRows(machine)}`;
}

export function writeReport(findings) {
  const date = new Date().toISOString().slice(0, 10);
  const { answers, rows, peers, machine, options } = findings;
  const { store, command } = options;
  const versions = Object.fromEntries([...peers.peers].map(([name, { version }]) => [name, version]));
  const record = { date, command, machine, versions, rows, answers };
  writeFileSync(store.results, `${JSON.stringify(record, null, 2)}\n`);
  writeFileSync(store.page, pageOf(findings, date));
  store.writeMore?.(findings);
}

/** From what the proofs left behind to docs/reliability.md. Pure: every number on the page comes from a proof. */

const SECTIONS = [
  {
    section: 'faults',
    title: 'Real processes under real faults',
    how:
      'Workers and producers as processes of their own on one SQLite file, or on a PostgreSQL server of the test. They are killed\n' +
      '(SIGKILL), stopped (SIGSTOP), asked to end (SIGTERM), lied to about the time (libfaketime), and given jobs that block, hang,\n' +
      'abort or eat memory. Servers are killed with all their processes, restarted, replaced by a standby, and made to end\n' +
      'connections; connections are cut between a commit and its answer, or go silent. Every process records its\n' +
      '[history](reference/history.md), whoever hurts it records that too, and the checker reads all of them.',
  },
  {
    section: 'system-calls',
    title: 'Killed between system calls',
    how:
      'One process adds and works under `strace`, which kills it at its n-th write or flush of the file, for many n; the next\n' +
      'one goes on with what is there.',
  },
  {
    section: 'trouble',
    title: 'A store in trouble',
    how: 'A disk that is full, that fails or is slow; a file that others hold, that is damaged, or that is not ours to read.',
  },
  {
    section: 'power-loss',
    title: 'Power loss',
    how:
      'The system calls of real runs are recorded. For moments in between, the disk is rebuilt as a power cut may have left it:\n' +
      'what was not flushed is lost, kept, kept in part, or torn in the middle of a sector. Each image is opened, checked, and worked\n' +
      'with. The same at `synchronous = normal` has to lose something, or the test would prove nothing.',
  },
  {
    section: 'simulator',
    title: 'Simulation',
    how:
      'The real worker, upkeep and producer code over a virtual clock, network and store: crashes, pauses, clocks that are wrong,\n' +
      'requests and answers that are lost or late. A seed gives the same history, bit by bit.',
  },
  {
    section: 'equality',
    title: 'One store as the other',
    how: 'Random sequences of commands, played to the memory store and to SQLite at once; answers and contents must be equal.',
  },
];

const INTRO = `# Reliability

<!-- Made by \`npm run reliability\` from the output of the runs. Do not edit. -->

What Millrace promises of its durable stores, what it does not promise, and how that was shown. Every number on this page
was given by the run that it stands for; none was typed.

## Promises

- A job whose adding was acknowledged survives a crash of any process and a power cut, if the disk flushes when it is asked to.
- So does what became of it. Only that a worker has taken a job may be undone by a power cut, within 5 ms and while nothing
  that was asked for later has been acknowledged: the job then waits as before.
- It runs at least once, and completes at most once in each generation.
- One worker holds it at a time. A worker that lost its lease changes nothing any more: every write carries a token.
- A call whose answer was lost can be repeated: it neither doubles a job nor strands one.
- The jobs of a worker that died run again: at the latest after its lease, two looks for lost leases, and, if the process that
  looks died as well, its lease of leadership (3 to 10 seconds).
- A clock that jumps, forward or back, takes no job from a worker that lives and renews. What is delayed is measured by the
  clock of the process that looks: set back by an hour, it waits an hour longer.
- On PostgreSQL all this holds while the server is killed, restarted or made to end its connections; a worker is at work again
  by itself within 5 seconds of the server's return. It holds when a standby takes over that was waited for (\`replicated\`).

## Not promised

- That a processor runs only once. One that was killed after its effect and before its end was stored runs again: [make it
  idempotent](guide/idempotence.md).
- Anything on a disk that says it flushed and did not, or on a network file system.
- Power loss at \`synchronous = normal\`, or where the store says of itself that it is weaker than \`disk\` (\`millrace doctor\`).
- The last moments of a PostgreSQL whose place is taken by a standby that nobody waited for. The store says beforehand that it
  gives \`disk\` and not \`replicated\`; demand \`durability: 'replicated'\`, and it refuses such a server.
- That a job claimed within the last second before a PostgreSQL server crashes is known to be claimed: it may be given to
  another worker at once. The first one's writes are refused.
- Right delays among processes on one file whose clocks differ. Leases hold even then.
`;

const number = (value) => new Intl.NumberFormat('en-US', { maximumFractionDigits: 1 }).format(value);
const cell = (value) => (typeof value === 'number' ? number(value) : String(value).replaceAll('|', '\\|'));

function table(head, rows) {
  const align = head.map((_, index) => (index === 0 ? '---' : '---:'));
  return [head, align, ...rows.map((row) => row.map(cell))].map((row) => `| ${row.join(' | ')} |`).join('\n');
}

const sum = (values) => values.reduce((total, value) => total + value, 0);

function addUp(records) {
  const total = {};
  for (const record of records) {
    for (const [name, count] of Object.entries(record ?? {})) total[name] = (total[name] ?? 0) + count;
  }
  return total;
}

/** The value below which this part of the sorted values lies. */
export function quantile(values, part) {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.ceil(sorted.length * part) - 1)] ?? 0;
}

function summaryOf(proofs) {
  const checked = proofs.flatMap((proof) => proof.checked ?? []);
  const total = (name) => sum(checked.map((one) => one[name]));
  const rows = [
    ['histories of real processes checked', total('histories')],
    ['calls of stores in them', total('operations')],
    ['jobs acknowledged', total('acknowledged')],
    ['**acknowledged jobs lost**', total('lost')],
    ['broken promises', total('violations')],
    ['late writes attempted', total('lateAttempted')],
    ['late writes refused', total('lateRefused')],
    [
      'jobs that ran again, with a reason',
      sum(Object.values(addUp(checked.map((one) => one.duplicatesExplained)))),
    ],
    ['**jobs that ran again for no known reason**', total('duplicatesUnexplained')],
  ];
  return checked.length === 0 ? '' : `\n## In short\n\n${table(['What', 'Count'], rows)}\n`;
}

function faultsOf(proofs) {
  const faults = Object.entries(addUp(proofs.map((proof) => proof.faults)));
  if (faults.length === 0) return '';
  const rows = faults.sort(([, one], [, other]) => other - one);
  return `\n## Faults by kind\n\n${table(['Fault', 'Count'], rows)}\n`;
}

/** Of those proofs alone in which somebody was left to take over. */
function recoveryOf(proofs) {
  const rows = proofs
    .filter((proof) => proof.section === 'faults' && (proof.checked?.recoveryMs.length ?? 0) > 0)
    .map(({ title, checked: { recoveryMs } }) => [
      title,
      recoveryMs.length,
      ...[0.5, 0.99, 1].map((part) => Math.round(quantile(recoveryMs, part))),
    ]);
  if (rows.length === 0) return '';
  const head = [
    'From the death of a worker to the next claim of its jobs, leases of 1 s',
    'jobs',
    'p50, ms',
    'p99, ms',
    'max, ms',
  ];
  return `\n## Recovery\n\n${table(head, rows)}\n`;
}

function checksOf(proofs) {
  const checked = proofs.flatMap((proof) => proof.checked ?? []);
  const judged = addUp(checked.map((one) => one.judged));
  const promises = Object.assign({}, ...checked.map((one) => one.promises));
  const rows = Object.entries(judged).filter(([, cases]) => cases > 0);
  if (rows.length === 0) return '';
  const lines = rows.map(([check, cases]) => [check, promises[check] ?? '', cases]);
  return `\n## What the checker looked at\n\n${table(['Check', 'Promise', 'Cases judged'], lines)}\n`;
}

function proofText(proof) {
  const checked = proof.checked;
  const figures = {
    ...Object.fromEntries(
      Object.entries(proof.faults ?? {}).map(([kind, count]) => [`fault: ${kind}`, count]),
    ),
    ...(checked && {
      'calls checked': checked.operations,
      'jobs acknowledged': checked.acknowledged,
      'acknowledged jobs lost': checked.lost,
      'broken promises': checked.violations,
      'late writes attempted': checked.lateAttempted,
      'late writes refused': checked.lateRefused,
      ...Object.fromEntries(
        Object.entries(checked.duplicatesExplained).map(([why, count]) => [`ran again: ${why}`, count]),
      ),
      'ran again for no known reason': checked.duplicatesUnexplained,
    }),
    ...proof.figures,
  };
  const seeds = (proof.seeds ?? []).length === 0 ? '' : ` Seeds: ${proof.seeds.join(', ')}.`;
  const again = `\`${proof.command}\`, node ${proof.node}, ${proof.at.slice(0, 10)}.${seeds}`;
  return `### ${proof.title}\n\n${table(['What', 'Count'], Object.entries(figures))}\n\n${again}\n${plantedText(proof)}`;
}

function plantedText({ planted = [] }) {
  if (planted.length === 0) return '';
  const rows = planted.map(({ bug, seed, check }) => [bug, check, seed === null ? '**not found**' : seed]);
  return `\nBugs that were planted, and the first seed that finds each:\n\n${table(['Bug', 'Found by', 'Seed'], rows)}\n`;
}

function sectionText({ section, title, how }, proofs) {
  const own = proofs.filter((proof) => proof.section === section);
  if (own.length === 0) return '';
  return `\n## ${title}\n\n${how}\n\n${own.map(proofText).join('\n')}`;
}

/** `about`: lines on the machine and the versions. */
export function renderPage(proofs, about) {
  const sorted = [...proofs].sort((one, other) => (one.name < other.name ? -1 : 1));
  const parts = [
    ...[INTRO, summaryOf(sorted), faultsOf(sorted), recoveryOf(sorted), checksOf(sorted)],
    ...SECTIONS.map((section) => sectionText(section, sorted)),
    `\n## Machine\n\n${about.map((line) => `- ${line}`).join('\n')}\n`,
  ];
  return parts.join('');
}

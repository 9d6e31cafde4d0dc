/** The glossary's "never" column, and what only runtime/ may ask of the machine. */

import { codeOnly } from './code-only.ts';
import { code, files, read, sources } from './files.ts';

/** Never a word of an identifier: `taskCount` has `task` in it, `microtask` has not. */
const BANNED = [
  'task',
  'tasks',
  'handler',
  'handlers',
  'consumer',
  'consumers',
  'agent',
  'agents',
  'grab',
  'rescue',
  'morgue',
  'graveyard',
  'janitor',
  'repeatable',
  'cooldown',
];
/** An order has items, a job is none: banned where only jobs are spoken of. */
const BANNED_IN_SOURCES = ['item', 'items'];
const BANNED_NAMES = /(^|\/)(utils?|helpers?|common|misc)(\.[a-z.]+)?(\/|$)/;

const IDENTIFIER = /[A-Za-z_$][\w$]*/g;

function wordsOf(identifier: string): string[] {
  return identifier
    .split(/(?<=[a-z0-9])(?=[A-Z])|_|\$/)
    .map((word) => word.toLowerCase())
    .filter((word) => word !== '');
}

function badWordsOf(file: string): string[] {
  const banned = new Set(file.startsWith('src/') ? [...BANNED, ...BANNED_IN_SOURCES] : BANNED);
  const identifiers = new Set(codeOnly(read(file)).match(IDENTIFIER) ?? []);
  return [...identifiers]
    .filter((identifier) => wordsOf(identifier).some((word) => banned.has(word)))
    .map((identifier) => `${file}: ${identifier} (see docs/glossary.md)`);
}

export function badWords(): string[] {
  const inNames = files.filter((file) => BANNED_NAMES.test(file));
  return [...inNames.map((file) => `${file}: says nothing of what it holds`), ...code.flatMap(badWordsOf)];
}

const MACHINE = new RegExp(
  [
    String.raw`\bDate\.now\b`,
    String.raw`\bnew Date\(\s*\)`,
    String.raw`\bperformance\.now\b`,
    String.raw`\b(set(Timeout|Interval|Immediate)|queueMicrotask)\s*\(`,
    String.raw`\bMath\.random\b`,
    String.raw`\brandom(UUID|Bytes|Int|FillSync|Fill)\b`,
    String.raw`\bgetRandomValues\b`,
    String.raw`\bprocess\.hrtime\b`,
    String.raw`\bAbortSignal\.timeout\b`,
  ].join('|'),
  'g',
);

/** Clock, timers and randomness outside runtime/: they would escape the fake clock and the seed. */
export function machineUses(): string[] {
  const outside = sources.filter((file) => !file.startsWith('src/runtime/'));
  return outside.flatMap((file) => {
    const uses = codeOnly(read(file)).match(MACHINE) ?? [];
    const timers = /from '(node:)?timers(\/promises)?'/.test(read(file)) ? ['timers'] : [];
    return [...uses, ...timers].map((use) => `${file}: ${use}`);
  });
}

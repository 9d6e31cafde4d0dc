/**
 * Is work flowing, and if not, why? Rules over the figures of each queue, pure, so that the command line, the
 * server and the dashboard say the same. A `problem` means that work does not flow; a `notice` is something to
 * know while it does.
 */

import type { QueueSettings } from './queue-settings.ts';
import { countOf, formatCount, formatDuration } from './wording.ts';

/** The figures of one queue that the rules look at. */
export interface QueueVitals {
  readonly queue: string;
  readonly settings: Pick<QueueSettings, 'paused' | 'objectiveMs'>;
  readonly waiting: number;
  readonly active: number;
  readonly failed: number;
  readonly oldestReadyMs: number | null;
  /** Until the next delayed job is due; null when there is none. */
  readonly nextDueInMs: number | null;
  /** Live worker processes that serve the queue, and their slots together. */
  readonly workers: number;
  readonly slots: number;
  readonly busy: number;
  readonly recent: RecentFigures;
  /** Other queues send their dead letters here: jobs that wait are dead letters, unless a worker serves it. */
  readonly keepsDeadLetters: boolean;
}

/** What happened within `windowMs`. `failed` are dead letters, `retried` attempts that will be repeated. */
export interface RecentFigures {
  readonly windowMs: number;
  readonly added: number;
  readonly completed: number;
  readonly failed: number;
  readonly retried: number;
}

export const RULES = [
  'StoreUnreachable',
  'StoreTrouble',
  'NoWorkers',
  'NotDraining',
  'Failing',
  'PausedBacklog',
  'CatchingUp',
  'Saturated',
  'DeadJobs',
] as const;
export type Rule = (typeof RULES)[number];

export interface VerdictFinding {
  readonly rule: Rule;
  readonly severity: 'problem' | 'notice';
  /** Null when it is about the store. */
  readonly queue: string | null;
  /** A sentence part that goes on after the queue's name. */
  readonly message: string;
  /** What to do: a command, or a sentence. */
  readonly advice: string;
}

export interface Verdict {
  readonly flowing: boolean;
  /** The one sentence to read first. */
  readonly headline: string;
  /** Worst first. */
  readonly findings: readonly VerdictFinding[];
}

/** Of the attempts within the window, more than this share may not fail. */
const FAILING_SHARE = 0.2;
/** Fewer failed attempts than this say nothing about a queue. */
const FAILING_MIN_ATTEMPTS = 5;
const SATURATED_SHARE = 0.95;

/** What the store says about itself. */
export interface StoreSign {
  readonly severity: 'ok' | 'warning' | 'error';
  readonly message: string;
  readonly advice: string;
}

export function judge(queues: readonly QueueVitals[], store: readonly StoreSign[] = []): Verdict {
  const findings = [...store.flatMap(storeTrouble), ...queues.flatMap((vitals) => findingsOf(vitals))].sort(
    (a, b) => RULES.indexOf(a.rule) - RULES.indexOf(b.rule),
  );
  const problems = findings.filter((finding) => finding.severity === 'problem');
  const headline = problems.length === 0 ? headlineOfFlow(queues) : headlineOfProblems(problems);
  return { flowing: problems.length === 0, headline, findings };
}

/** The verdict when the store does not answer: nothing is known about the queues. */
export function judgeUnreachable(message: string): Verdict {
  const finding: VerdictFinding = {
    rule: 'StoreUnreachable',
    severity: 'problem',
    queue: null,
    message: `STORE UNREACHABLE: ${message}`,
    advice: 'millrace doctor',
  };
  return { flowing: false, headline: headlineOfProblems([finding]), findings: [finding] };
}

function storeTrouble({ severity, message, advice }: StoreSign): VerdictFinding[] {
  if (severity === 'ok') return [];
  const isProblem = severity === 'error';
  return [
    {
      rule: 'StoreTrouble',
      severity: isProblem ? 'problem' : 'notice',
      queue: null,
      message: `${isProblem ? 'STORE TROUBLE' : 'store'}: ${message}`,
      advice,
    },
  ];
}

function headlineOfProblems(problems: readonly VerdictFinding[]): string {
  const [first] = problems;
  const rest = problems.length - 1;
  const where = first?.queue == null ? '' : `${first.queue} `;
  const more = rest === 0 ? '' : ` (and ${countOf(rest, 'more problem')})`;
  return `Work is not flowing: ${where}${first?.message ?? ''}${more}`;
}

function headlineOfFlow(queues: readonly QueueVitals[]): string {
  if (queues.length === 0) return 'No queues yet: the first job that is added makes one.';
  const who = queues.length === 1 ? 'The queue is' : `All ${queues.length} queues are`;
  const oldestMs = Math.max(...queues.filter((vitals) => !holdsLetters(vitals)).map(oldestReadyOf));
  if (oldestMs < 0) return `${who} draining. No job is waiting.`;
  return `${who} draining. Oldest ready job ${formatDuration(oldestMs)}.`;
}

function oldestReadyOf(vitals: QueueVitals): number {
  return vitals.oldestReadyMs ?? -1;
}

function holdsLetters(vitals: QueueVitals): boolean {
  return vitals.keepsDeadLetters && vitals.workers === 0;
}

function findingsOf(vitals: QueueVitals): VerdictFinding[] {
  const found = [deadJobs(vitals)];
  if (!holdsLetters(vitals)) {
    if (vitals.settings.paused) found.push(pausedBacklog(vitals));
    else if (vitals.workers === 0) found.push(noWorkers(vitals));
    else found.push(notDraining(vitals) ?? saturated(vitals));
    found.push(failing(vitals));
  }
  return found.filter((finding) => finding !== null);
}

/** Also when nothing waits but attempts of a process that is gone are still marked active, or a job is due. */
function noWorkers(vitals: QueueVitals): VerdictFinding | null {
  const due = vitals.nextDueInMs !== null && vitals.nextDueInMs <= 0;
  if (vitals.waiting === 0 && vitals.active === 0 && !due) return null;
  const parts = [];
  if (vitals.waiting > 0) parts.push(`${formatCount(vitals.waiting)} ready${ageOf(vitals)}`);
  if (vitals.active > 0) parts.push(`${formatCount(vitals.active)} left active by a process that is gone`);
  if (due) parts.push('delayed jobs are due');
  return {
    rule: 'NoWorkers',
    severity: 'problem',
    queue: vitals.queue,
    message: `NO WORKERS: ${parts.join(', ')}, and no live worker serves the queue`,
    advice: 'Start a worker: millrace work <files…>',
  };
}

function ageOf(vitals: QueueVitals): string {
  return vitals.oldestReadyMs === null ? '' : ` for ${formatDuration(vitals.oldestReadyMs)}`;
}

/**
 * A backlog older than the objective that shrinks is catching up, which is no standstill. One look cannot see the
 * age rise; that no more jobs leave than come is what makes it rise.
 */
function notDraining(vitals: QueueVitals): VerdictFinding | null {
  const { objectiveMs } = vitals.settings;
  if (vitals.oldestReadyMs === null || vitals.oldestReadyMs <= objectiveMs) return null;
  const { added, completed, failed } = vitals.recent;
  const left = completed + failed;
  const shrinking = left > added;
  const evidence = [
    `oldest ready ${formatDuration(vitals.oldestReadyMs)} (objective ${formatDuration(objectiveMs)})`,
    `${vitals.busy}/${vitals.slots} slots busy`,
    `in ${perMinute(added, vitals)}/min, out ${perMinute(left, vitals)}/min`,
  ].join(', ');
  if (shrinking) {
    const advice = 'Wait, or start more workers.';
    return {
      rule: 'CatchingUp',
      severity: 'notice',
      queue: vitals.queue,
      message: `catching up: ${evidence}`,
      advice,
    };
  }
  return {
    rule: 'NotDraining',
    severity: 'problem',
    queue: vitals.queue,
    message: `NOT DRAINING: ${evidence}`,
    advice:
      vitals.busy < vitals.slots
        ? `Slots are free but jobs wait: millrace jobs ls 'queue:${vitals.queue} state:active,waiting'`
        : 'Start more workers or raise their concurrency.',
  };
}

function perMinute(count: number, vitals: QueueVitals): string {
  return formatCount((count * 60_000) / Math.max(60_000, vitals.recent.windowMs));
}

/** Full slots matter once they make jobs wait: from half of the objective on. */
function saturated(vitals: QueueVitals): VerdictFinding | null {
  const full = vitals.slots > 0 && vitals.busy / vitals.slots > SATURATED_SHARE;
  if (!full || (vitals.oldestReadyMs ?? 0) * 2 < vitals.settings.objectiveMs) return null;
  if (vitals.waiting === 0) return null;
  return {
    rule: 'Saturated',
    severity: 'notice',
    queue: vitals.queue,
    message: `saturated: ${vitals.busy}/${vitals.slots} slots busy, ${formatCount(vitals.waiting)} ready${ageOf(vitals)}`,
    advice: 'Start more workers or raise their concurrency.',
  };
}

function failing(vitals: QueueVitals): VerdictFinding | null {
  const { completed, failed, retried, windowMs } = vitals.recent;
  const bad = failed + retried;
  const share = bad / Math.max(1, bad + completed);
  if (bad < FAILING_MIN_ATTEMPTS || share <= FAILING_SHARE) return null;
  return {
    rule: 'Failing',
    severity: 'problem',
    queue: vitals.queue,
    message: `FAILING: ${Math.round(share * 100)} % of ${countOf(bad + completed, 'attempt')} in the last ${formatDuration(windowMs)}`,
    advice: `See what fails: millrace jobs ls 'queue:${vitals.queue} state:failed,delayed since:1h'`,
  };
}

function pausedBacklog(vitals: QueueVitals): VerdictFinding | null {
  if (vitals.waiting === 0) return null;
  return {
    rule: 'PausedBacklog',
    severity: 'problem',
    queue: vitals.queue,
    message: `PAUSED with ${formatCount(vitals.waiting)} ready${ageOf(vitals)}`,
    advice: `millrace queues resume ${vitals.queue}`,
  };
}

function deadJobs(vitals: QueueVitals): VerdictFinding | null {
  const letters = vitals.failed + (holdsLetters(vitals) ? vitals.waiting : 0);
  if (letters === 0) return null;
  const { failed, windowMs } = vitals.recent;
  const fresh =
    failed === 0 ? '' : `, ${formatCount(failed)} of them in the last ${formatDuration(windowMs)}`;
  return {
    rule: 'DeadJobs',
    severity: 'notice',
    queue: vitals.queue,
    message: `has ${countOf(letters, 'dead letter')}${fresh}`,
    advice: `millrace dead ls --queue ${vitals.queue}`,
  };
}

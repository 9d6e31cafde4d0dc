/**
 * How long commits take, which is how long the disk takes to flush. A slow one is written down beside the jobs, so
 * that `doctor` and `status`, which run in another process and later, can tell of it.
 */

import { systemClock } from '../../runtime/clock.ts';
import type { Database } from './database.ts';

/** From here on a commit is slow: what waits for it has been noticed by somebody. */
export const SLOW_MS = 1_000;
/** Without a slow commit for so long, the next one begins another spell. */
const SPELL_MS = 10 * 60_000;

/** A time in which commits were slow, now and then. Instants by the machine's clock. */
export interface SlowSpell {
  readonly sinceAt: number;
  readonly lastAt: number;
  readonly lastMs: number;
  readonly worstMs: number;
  readonly commits: number;
}

const KEYS = {
  sinceAt: 'slow_commits_since_at',
  lastAt: 'slow_commits_last_at',
  lastMs: 'slow_commits_last_ms',
  worstMs: 'slow_commits_worst_ms',
  commits: 'slow_commits',
} as const;

const READ = `select key, value from millrace_meta where key >= 'slow_commits' and key < 'slow_committ'`;
const WRITE =
  'insert into millrace_meta (key, value) values (?, ?) on conflict do update set value = excluded.value';

export class CommitTimes {
  #unsaved: SlowSpell | null = null;

  /** Commits a transaction that wrote. That it was slow can only be written down by the next one. */
  commit(db: Database): void {
    this.#save(db);
    this.#unsaved = slowSpell(() => db.exec('commit'));
  }

  /** Flushes apart from a commit. */
  flush(flush: () => void): void {
    const spell = slowSpell(flush);
    if (spell !== null) this.#unsaved = joined(this.#unsaved, spell);
  }

  #save(db: Database): void {
    if (this.#unsaved === null) return;
    const spell = joined(readSpell(db), this.#unsaved);
    for (const [name, key] of Object.entries(KEYS)) db.run(WRITE, key, spell[name as keyof SlowSpell]);
  }
}

/** null when it was quick. */
function slowSpell(step: () => void): SlowSpell | null {
  const startedMs = systemClock.monotonic();
  step();
  const tookMs = Math.round(systemClock.monotonic() - startedMs);
  if (tookMs < SLOW_MS) return null;
  const now = systemClock.now();
  return { sinceAt: now - tookMs, lastAt: now, lastMs: tookMs, worstMs: tookMs, commits: 1 };
}

function joined(before: SlowSpell | null, later: SlowSpell): SlowSpell {
  if (before === null || later.sinceAt - before.lastAt > SPELL_MS) return later;
  return {
    ...later,
    sinceAt: before.sinceAt,
    worstMs: Math.max(before.worstMs, later.worstMs),
    commits: before.commits + later.commits,
  };
}

/** The latest time of slow commits, by whichever process; null when there was none. */
export function readSpell(db: Database): SlowSpell | null {
  const found = new Map(db.all<{ key: string; value: number }>(READ).map(({ key, value }) => [key, value]));
  if (found.size === 0) return null;
  const value = (key: string): number => found.get(key) ?? 0;
  return {
    sinceAt: value(KEYS.sinceAt),
    lastAt: value(KEYS.lastAt),
    lastMs: value(KEYS.lastMs),
    worstMs: value(KEYS.worstMs),
    commits: value(KEYS.commits),
  };
}

/** Sessions belong to no queue, but leases are judged in the cell of theirs: each is in every cell where it may claim. */

import type { LeaseRef } from '../../../job/record.ts';
import type { BeatResult, ClaimRequest, Session, SessionRecord } from '../../store.ts';
import { Cursor } from '../cursor.ts';
import { leases, readSessions } from '../lists.ts';
import { SESSIONS } from '../read-scripts.ts';
import { listOf, textOf } from '../reply.ts';
import { beat, endSession } from '../sessions.ts';
import type { Cells } from './cells.ts';

const KNOWN = 1_000;

export class SpreadSessions {
  readonly #cells: Cells;
  /** By session the queues whose cells know it. */
  readonly #known = new Map<string, Set<string>>();

  constructor(cells: Cells) {
    this.#cells = cells;
  }

  async beat(sessions: readonly Session[]): Promise<BeatResult[]> {
    const results = await beat(this.#cells.home, sessions);
    const byQueue = new Map<string, Session[]>();
    for (const session of sessions) {
      const known = await this.#of(session.id);
      await this.#learn(
        session.id,
        session.queues.map(({ queue }) => queue),
      );
      for (const queue of known) byQueue.set(queue, [...(byQueue.get(queue) ?? []), session]);
    }
    const calls = [...byQueue].map(([queue, some]) => beat(this.#cells.at(queue), some));
    // A master that is away takes nobody's lease elsewhere; while it is, it takes none of its own either.
    await Promise.allSettled(calls);
    return results;
  }

  /** Whether the session is alive, and now also in the cell of this queue. */
  async bring({ worker, queue }: ClaimRequest): Promise<boolean> {
    const cursor = new Cursor(listOf(await this.#cells.home.read(SESSIONS, [])));
    const found = readSessions(cursor).find(({ session }) => session.id === worker);
    if (found === undefined || found.session.expiresAt <= found.nowMs) return false;
    await this.#learn(worker, [queue]);
    await beat(this.#cells.at(queue), [lively(found.session, found.nowMs)]);
    return true;
  }

  async end(id: string): Promise<number> {
    const cells = await this.#cells.all();
    const many = await Promise.all(cells.map((cell) => endSession(cell, id)));
    await endSession(this.#cells.home, id);
    this.#known.delete(id);
    return many.reduce((sum, each) => sum + each, 0);
  }

  async leases(session: string): Promise<LeaseRef[]> {
    const held = await Promise.all((await this.#cells.all()).map((cell) => leases(cell, session)));
    return held.flat().sort((one, other) => one.token - other.token);
  }

  async #of(id: string): Promise<Set<string>> {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    if (this.#known.size >= KNOWN) this.#known.clear();
    const noted = new Set(listOf(await this.#cells.home.call('SMEMBERS', this.#keyOf(id))).map(textOf));
    this.#known.set(id, noted);
    return noted;
  }

  async #learn(id: string, queues: readonly string[]): Promise<void> {
    const known = await this.#of(id);
    const fresh = queues.filter((queue) => !known.has(queue));
    if (fresh.length === 0) return;
    await this.#cells.note(fresh);
    await this.#cells.home.call('SADD', this.#keyOf(id), ...fresh);
    for (const queue of fresh) known.add(queue);
  }

  #keyOf(id: string): string {
    return `${this.#cells.home.place.prefix}sc:${id}`;
  }
}

function lively(session: SessionRecord, nowMs: number): Session {
  const { startedAt: _, seenAt: __, expiresAt, ...shown } = session;
  return { ...shown, ttlMs: expiresAt - nowMs };
}

/**
 * Runs calls against one database. Everything that has arrived goes into one transaction, so that one fsync
 * serves all of it; answers are given only after the commit. When one call of a group throws, the group is
 * rolled back and runs again without it: only the guilty one fails.
 */

import { MillraceError, StoreCorruptError, StoreUnavailableError } from '../../errors.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Durability, Finding, Hint } from '../store.ts';
import { goesAhead, mayShow } from './ahead.ts';
import { Checkpointer } from './checkpoint.ts';
import { CommitTimes } from './commit-times.ts';
import type { Database } from './database.ts';
import { examine } from './doctor.ts';
import { ExitGate } from './exit-gate.ts';
import { Foretold } from './foretold.ts';
import { CallFailure, failedOf, GroupFailure } from './group-failure.ts';
import { Identity } from './identity.ts';
import { LogFlush } from './log-flush.ts';
import { LogReserve } from './log-reserve.ts';
import { breaksConnection, isCorrupt, isIoFailure, resultCode, toStoreError } from './map-error.ts';
import { durabilityOf, type Facts, openDatabase, setFlushing } from './open.ts';
import { patiently } from './patience.ts';
import { MEMORY } from './place.ts';
import { isLow, Room, spaceOf } from './room.ts';
import { Transaction } from './transaction.ts';
import { type Call, mayWrite, runCall } from './verbs.ts';
import { watchOthers } from './watch.ts';

export interface EngineOptions {
  readonly path: string;
  /** How long a call waits for the transaction of another connection. */
  readonly patienceMs: number;
  /** What `ExitGate` is made of, on a thread. */
  readonly exitGate?: SharedArrayBuffer;
}

export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: unknown };

/** What a group of calls gave: an answer to each, and what to tell those who watch. */
export interface Batch {
  readonly replies: readonly Reply[];
  readonly hints: readonly Hint[];
}

/** What goes on around the engine while it runs a group of calls. */
export interface Surroundings {
  /** Calls that have come meanwhile, to go along. */
  more(): readonly Call[];
  /** Told a part of the answers, before the disk is waited for. */
  ahead(part: Batch): void;
}

interface OpenDatabase {
  readonly db: Database;
  readonly facts: Facts;
  readonly checkpointer: Checkpointer;
  readonly reserve: LogReserve;
  /** null in memory. */
  readonly log: LogFlush | null;
  /** Whether commits are on the disk when they return; else they are in the log. */
  flushes: boolean;
  /** Commits may be in the log that are not on the disk. */
  isDue: boolean;
  unwatch: (() => void) | null;
}

interface Committed {
  readonly group: readonly Call[];
  readonly batch: Batch;
  readonly ahead: (part: Batch) => void;
}

export class Engine {
  readonly #options: EngineOptions;
  readonly #exitGate: ExitGate | null;
  #opened: OpenDatabase | null = null;
  /** Set once damage was found: from then on the database is only read. */
  #damage: StoreCorruptError | null = null;
  #onNews: (() => void) | null = null;
  /** A read or a write has failed, and what the file holds is perhaps not yet on the disk. */
  #unsure = false;
  readonly #room: Room;
  readonly #commitTimes = new CommitTimes();
  /** Of the files that are open, or were open last. */
  #identity: Identity | null = null;

  constructor(options: EngineOptions) {
    this.#options = options;
    this.#exitGate = options.exitGate === undefined ? null : new ExitGate(options.exitGate);
    this.#room = new Room(options.path);
  }

  /** @param around Without it all answers come at the end. */
  run(calls: readonly Call[], around: Surroundings | null = null): Batch {
    const replies: Reply[] = [];
    const hints: Hint[] = [];
    let rest = this.#admit(calls, replies);
    while (rest.length > 0) {
      // Those that go along are in it as soon as they have come.
      const group = [...rest];
      const told = new Set<number>();
      try {
        const batch = this.#runGroup(group, {
          more: () => this.#admit(around?.more() ?? [], replies),
          ahead: (part) => {
            for (const { id } of part.replies) told.add(id);
            if (around !== null) around.ahead(part);
            else {
              replies.push(...part.replies);
              hints.push(...part.hints);
            }
          },
        });
        return { replies: [...replies, ...batch.replies], hints: [...hints, ...batch.hints] };
      } catch (error) {
        const unanswered = group.filter(({ id }) => !told.has(id));
        const [reason, failed] = failedOf(unanswered, error);
        replies.push(...failed.map(({ id }) => ({ id, error: reason })));
        rest = unanswered.filter((call) => !failed.includes(call));
      }
    }
    return { replies, hints };
  }

  durability(): Durability {
    return this.#ask(({ facts }) => durabilityOf(facts));
  }

  doctor(): Finding[] {
    return this.#ask((session) => examine(session, (error) => this.#groupFailure(error).reason));
  }

  /** Tells of commits by other connections, until `onNews` is null. */
  watch(onNews: (() => void) | null): void {
    this.#onNews = onNews;
    if (this.#opened === null) return;
    this.#opened.unwatch?.();
    this.#opened.unwatch = this.#watchOthers(this.#opened);
  }

  /** Whether there is something for `catchUp` to do. */
  get isBehind(): boolean {
    const session = this.#opened;
    return session !== null && session.log !== null && (session.isDue || session.flushes);
  }

  /** Brings to the disk what was answered before it was there, and makes ready for an add or a claim. */
  catchUp(): void {
    const session = this.#opened;
    if (session === null) return;
    try {
      if (session.isDue) this.#flush(session);
      setLevel(session, false);
    } catch (error) {
      // The next one who opens the file sees to it; see `Checkpointer.secure`.
      this.#groupFailure(error);
    }
  }

  /** After the answers went out. */
  tidy(): void {
    this.#quietly(({ checkpointer, reserve }) => {
      checkpointer.keepShort();
      reserve.keep();
    });
  }

  /** When nothing has been asked for a while. Answers whether to come again: somebody still holds a large log. */
  rest(): boolean {
    let isHeld = false;
    this.#quietly(({ checkpointer, reserve }) => {
      isHeld = checkpointer.shrink();
      reserve.keep();
    });
    return isHeld;
  }

  close(): void {
    this.catchUp();
    this.#quietly(({ checkpointer, facts }) => {
      const space = spaceOf(facts.path);
      // Where room is short the log is what others live on.
      if (space === null || !isLow(space)) checkpointer.shrink(1);
    });
    this.#drop();
  }

  #ask<T>(question: (session: OpenDatabase) => T): T {
    try {
      return question(this.#open());
    } catch (error) {
      throw this.#groupFailure(error).reason;
    }
  }

  /** Adds to `group` what comes meanwhile. */
  #runGroup(group: Call[], { more, ahead }: Surroundings): Batch {
    const writes = group.some(mayWrite);
    const session = this.#begin(writes, !group.every(mayShow));
    const { db } = session;
    const tx = new Transaction(db);
    const foretold = new Foretold();
    const changed = db.changed;
    const runAll = (calls: readonly Call[]): Reply[] =>
      calls.map((call) => ({ id: call.id, value: foretold.run(tx, call, () => this.#runCall(tx, call)) }));
    try {
      const replies = runAll(group);
      const later = writes ? more() : [];
      group.push(...later);
      replies.push(...runAll(later));
      tx.flush();
      if (writes) this.#commitTimes.commit(db);
      else db.exec('commit');
      const batch = { replies, hints: tx.hints() };
      if (db.changed > changed) session.isDue = !session.flushes;
      if (!session.flushes && writes) return this.#secure(session, { group, batch, ahead });
      this.#checkFiles();
      return batch;
    } catch (error) {
      this.#rollBack(db);
      throw error instanceof CallFailure ? error : this.#groupFailure(error);
    }
  }

  /** Of a commit that is not flushed yet: answers what may be told now; the rest of it is told already. */
  #secure(session: OpenDatabase, { group, batch, ahead }: Committed): Batch {
    // By claims of jobs that are delivered at most once, or are too old, jobs end: that has to hold.
    const hasEnded = batch.hints.some(({ news }) => news === 'ended');
    const first = new Set(hasEnded ? [] : group.filter(goesAhead).map(({ id }) => id));
    const isAllOfIt = group.every((call) => first.has(call.id) || !mayWrite(call));
    const { replies, hints } = batch;
    const isSplit = first.size > 0 && !isAllOfIt;
    if (isSplit) ahead({ replies: replies.filter(({ id }) => first.has(id)), hints });
    this.#checkFiles();
    if (!isAllOfIt) this.#flush(session);
    return isSplit ? { replies: replies.filter(({ id }) => !first.has(id)), hints: [] } : batch;
  }

  #flush(session: OpenDatabase): void {
    this.#commitTimes.flush(() => session.log?.flush());
    session.isDue = false;
  }

  #runCall(tx: Transaction, call: Call): unknown {
    tx.now = Math.floor(call.now ?? systemClock.now());
    try {
      return runCall(tx, call);
    } catch (error) {
      throw toStoreError(error, this.#options.path) === null ? new CallFailure(call, error) : error;
    }
  }

  /** Without those that are not even tried, writing where there is damage and adding where there is no room. */
  #admit(calls: readonly Call[], replies: Reply[]): readonly Call[] {
    if (this.#options.path === MEMORY) return calls;
    return calls.filter((call) => {
      const error = this.#damage !== null && mayWrite(call) ? this.#damage : this.#room.refusal(call);
      if (error !== null) replies.push({ id: call.id, error });
      return error === null;
    });
  }

  /** Before anything is acknowledged: it must be where the next one who opens the path finds it. */
  #checkFiles(): void {
    const trouble = this.#identity?.trouble() ?? null;
    if (trouble === null) return;
    this.#drop();
    throw trouble;
  }

  #begin(writes: boolean, flushes: boolean): OpenDatabase {
    try {
      const session = this.#open();
      if (writes) setLevel(session, flushes);
      patiently(this.#options.patienceMs, () => session.db.exec(writes ? 'begin immediate' : 'begin'));
      return session;
    } catch (error) {
      throw this.#groupFailure(error);
    }
  }

  #groupFailure(error: unknown): GroupFailure {
    const known = toStoreError(error, this.#options.path);
    if (known instanceof StoreCorruptError && isCorrupt(error)) this.#damage = known;
    if (breaksConnection(error)) this.#drop();
    if (isIoFailure(error)) this.#unsure = true;
    if (known !== null) return new GroupFailure(known);
    if (error instanceof MillraceError) return new GroupFailure(error);
    const message = `the database "${this.#options.path}" refused to work (${String(error)}); nothing was written`;
    // What SQLite says beyond its known ailments may pass; a fault of our own is told as it is.
    const isFromSqlite = resultCode(error) !== null;
    if (isFromSqlite) return new GroupFailure(new StoreUnavailableError(message, { cause: error }));
    return new GroupFailure(error instanceof Error ? error : new Error(message));
  }

  #open(): OpenDatabase {
    if (this.#opened !== null) return this.#opened;
    const { path, patienceMs } = this.#options;
    this.#identity?.checkReturn();
    const { db, facts } = openDatabase(path, patienceMs, this.#exitGate);
    this.#identify(facts.path);
    const session = newSession(db, facts);
    this.#opened = session;
    if (this.#unsure) session.checkpointer.secure();
    this.#unsure = false;
    this.#opened.unwatch = this.#watchOthers(session);
    return session;
  }

  /** Damage stays with its file. */
  #identify(path: string): void {
    if (path === MEMORY) return;
    const identity = new Identity(path);
    if (!identity.isSameAs(this.#identity)) this.#damage = null;
    this.#identity = identity;
  }

  #watchOthers({ db, facts }: OpenDatabase): (() => void) | null {
    if (this.#onNews === null || facts.path === MEMORY) return null;
    return watchOthers(db, facts.path, this.#onNews);
  }

  #rollBack(db: Database): void {
    try {
      db.exec('rollback');
    } catch {
      // Some failures end the transaction by themselves; then there is nothing to roll back.
    }
  }

  #drop(): void {
    const session = this.#opened;
    this.#opened = null;
    session?.unwatch?.();
    try {
      session?.log?.close();
      session?.db.close();
    } catch {
      // A connection that cannot even be closed is left to the end of the process.
    }
  }

  /** For chores that nobody waits for: a failure is met again by the next call, which then reports it. */
  #quietly(chore: (session: OpenDatabase) => void): void {
    const session = this.#opened;
    if (session === null || session.facts.path === MEMORY) return;
    try {
      chore(session);
    } catch (error) {
      if (breaksConnection(error)) this.#drop();
    }
  }
}

function newSession(db: Database, facts: Facts): OpenDatabase {
  const { path } = facts;
  try {
    const log = path === MEMORY ? null : new LogFlush(path);
    const [checkpointer, reserve] = [new Checkpointer(db, path), new LogReserve(db, path)];
    return { db, facts, checkpointer, reserve, log, flushes: true, isDue: false, unwatch: null };
  } catch (error) {
    db.close();
    throw error;
  }
}

function setLevel(session: OpenDatabase, flushes: boolean): void {
  if (session.log === null || session.flushes === flushes) return;
  setFlushing(session.db, flushes);
  session.flushes = flushes;
}

/**
 * Runs calls against one database. Everything that has arrived goes into one transaction, so that one fsync
 * serves all of it; answers are given only after the commit. When one call of a group throws, the group is
 * rolled back and runs again without it: only the guilty one fails.
 */

import { MillraceError, StoreCorruptError, StoreFullError, StoreUnavailableError } from '../../errors.ts';
import { systemClock } from '../../runtime/clock.ts';
import type { Durability, Finding, Hint } from '../store.ts';
import { Checkpointer } from './checkpoint.ts';
import { CommitTimes } from './commit-times.ts';
import type { Database } from './database.ts';
import { examine } from './doctor.ts';
import { ExitGate } from './exit-gate.ts';
import { Identity } from './identity.ts';
import { LogReserve } from './log-reserve.ts';
import { breaksConnection, isCorrupt, isIoFailure, resultCode, toStoreError } from './map-error.ts';
import { durabilityOf, type Facts, openDatabase } from './open.ts';
import { patiently } from './patience.ts';
import { MEMORY } from './place.ts';
import { addsJobs, isLow, Room, spaceOf } from './room.ts';
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

interface OpenDatabase {
  readonly db: Database;
  readonly facts: Facts;
  readonly checkpointer: Checkpointer;
  readonly reserve: LogReserve;
  unwatch: (() => void) | null;
}

/** A failure of the database that concerns every call of the group alike. */
class GroupFailure extends Error {
  readonly reason: Error;

  constructor(reason: Error) {
    super(reason.message);
    this.reason = reason;
  }
}

/** A failure of one call of the group. */
class CallFailure extends Error {
  readonly call: Call;
  readonly reason: unknown;

  constructor(call: Call, reason: unknown) {
    super('one call of the group failed');
    this.call = call;
    this.reason = reason;
  }
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

  run(calls: readonly Call[]): Batch {
    const refused = this.#refused(calls);
    const replies: Reply[] = [...refused].map(([{ id }, error]) => ({ id, error }));
    let rest = calls.filter((call) => !refused.has(call));
    while (rest.length > 0) {
      try {
        const batch = this.#runGroup(rest);
        return { replies: [...replies, ...batch.replies], hints: batch.hints };
      } catch (error) {
        if (error instanceof CallFailure) {
          replies.push({ id: error.call.id, error: error.reason });
          rest = rest.filter((call) => call !== error.call);
        } else {
          const reason = error instanceof GroupFailure ? error.reason : error;
          const failed = reason instanceof StoreFullError ? firstToFail(rest) : rest;
          replies.push(...failed.map(({ id }) => ({ id, error: reason })));
          rest = rest.filter((call) => !failed.includes(call));
        }
      }
    }
    return { replies, hints: [] };
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

  #runGroup(calls: readonly Call[]): Batch {
    const writes = calls.some(mayWrite);
    const session = this.#begin(writes);
    const { db } = session;
    const tx = new Transaction(db);
    try {
      const replies = calls.map((call) => ({ id: call.id, value: this.#runCall(tx, call) }));
      tx.flush();
      if (writes) this.#commitTimes.commit(db);
      else db.exec('commit');
      this.#checkFiles();
      return { replies, hints: tx.hints() };
    } catch (error) {
      this.#rollBack(db);
      throw error instanceof CallFailure ? error : this.#groupFailure(error);
    }
  }

  #runCall(tx: Transaction, call: Call): unknown {
    tx.now = Math.floor(call.now ?? systemClock.now());
    try {
      return runCall(tx, call);
    } catch (error) {
      throw toStoreError(error, this.#options.path) === null ? new CallFailure(call, error) : error;
    }
  }

  /** What is not even tried: writing where there is damage, and adding where there is no room. */
  #refused(calls: readonly Call[]): ReadonlyMap<Call, Error> {
    const refused = new Map<Call, Error>();
    if (this.#options.path === MEMORY) return refused;
    for (const call of calls) {
      const reason = this.#damage !== null && mayWrite(call) ? this.#damage : this.#room.refusal(call);
      if (reason !== null) refused.set(call, reason);
    }
    return refused;
  }

  /** Before anything is acknowledged: it must be where the next one who opens the path finds it. */
  #checkFiles(): void {
    const trouble = this.#identity?.trouble() ?? null;
    if (trouble === null) return;
    this.#drop();
    throw trouble;
  }

  #begin(writes: boolean): OpenDatabase {
    try {
      const session = this.#open();
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
    const session = {
      db,
      facts,
      checkpointer: new Checkpointer(db, facts.path),
      reserve: new LogReserve(db, facts.path),
      unwatch: null,
    };
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

/** On a full disk new jobs give way to what becomes of those that are there, which takes less room. */
function firstToFail(calls: readonly Call[]): readonly Call[] {
  const adding = calls.filter(addsJobs);
  return adding.length === 0 ? calls : adding;
}

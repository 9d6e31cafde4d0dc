/**
 * A file or a database of jobs, processes that work on it, somebody who does bad things to them, and the histories of all. Ends
 * with the verdict of the checker.
 */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { connect, type QueueSummary, type Store, StoreUnavailableError } from 'millrace';
import {
  type CheckReport,
  checkHistory,
  type History,
  type LoggedFault,
  openHistory,
  readHistory,
  recordStore,
} from 'millrace/history';

const here = dirname(fileURLToPath(import.meta.url));
const WAIT_MS = 60_000;

export type Role = 'worker' | 'producer' | 'solo';

export interface Member {
  readonly role: Role;
  readonly pid: number;
  readonly child: ChildProcess;
  /** Resolves with the exit code, or the signal's name. */
  readonly ended: Promise<number | string>;
}

export interface MemberOptions {
  /** Of the worker; or `name`, `rounds` and `job` of a producer. */
  readonly options?: Readonly<Record<string, unknown>>;
  /** Put before `node`, for example strace. */
  readonly wrapper?: readonly string[];
  readonly nodeOptions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Another way to the same jobs. */
  readonly url?: string;
}

export class Lab {
  readonly folder: string;
  readonly url: string;
  readonly histories: string;
  /** Recorded, as all of them are. */
  readonly store: Store;
  readonly history: History;
  /** What workers said on standard error. */
  readonly errors: string[] = [];
  readonly #members = new Set<Member>();
  readonly #release: () => Promise<void>;
  readonly #isFile: boolean;
  #faults = 0;

  /** `url`: of a server; by default the jobs are in a file of the lab's own. */
  constructor(name: string, url: string | null = null) {
    this.folder = mkdtempSync(join(tmpdir(), `millrace-${name}-`));
    this.#isFile = url === null;
    this.url = url ?? `sqlite:${join(this.folder, 'jobs.db')}`;
    this.histories = join(this.folder, 'histories');
    mkdirSync(this.histories);
    this.history = openHistory({ directory: this.histories, store: kindOf(this.url) });
    this.history.event('scope', { complete: true });
    const connected = connect(this.url);
    this.store = recordStore(connected.store, this.history);
    this.#release = () => connected.release();
  }

  /** Nobody dies of crashes and nothing is pruned, so that whatever is not there at the end is lost. */
  async configure(patch: Readonly<Record<string, unknown>> = {}): Promise<void> {
    const kept = { ageMs: null, count: null };
    const retention = { completed: kept, failed: kept, cancelled: kept };
    const all = { maxCrashes: 10_000, retention, ...patch };
    await this.store.apply([{ op: 'configure', queue: 'work', patch: all }]);
  }

  spawn(role: Role, given: MemberOptions = {}): Member {
    const { options = {}, wrapper = [], nodeOptions = [], env = {}, url = this.url } = given;
    const args = ['--no-warnings', ...nodeOptions, join(here, `${role}.mjs`), url];
    args.push(...this.#argsOf(role, options));
    const [program = process.execPath, ...first] = [...wrapper, process.execPath];
    const child = spawn(program, [...first, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, MILLRACE_HISTORY: this.histories, ...env },
    });
    child.stderr?.on('data', (chunk: Buffer) => this.errors.push(`${role}: ${chunk}`));
    const ended = once(child, 'exit').then(([code, signal]) => (signal ?? code) as number | string);
    const member = { role, pid: child.pid ?? 0, child, ended };
    this.#members.add(member);
    void ended.then(() => this.#members.delete(member));
    return member;
  }

  #argsOf(role: Role, options: Readonly<Record<string, unknown>>): string[] {
    if (role === 'worker') return [JSON.stringify(options)];
    const { name = role, rounds = 1_000_000, job = {} } = options;
    return [join(this.folder, `acknowledged-${name}`), String(name), String(rounds), JSON.stringify(job)];
  }

  /** Rounds that the producer of this name knows to be safe. */
  acknowledged(name: string): number {
    try {
      return readFileSync(join(this.folder, `acknowledged-${name}`), 'utf8').split('\n').length - 1;
    } catch {
      return 0;
    }
  }

  /** Attempts that a process has begun. */
  runsOf({ pid }: Pick<Member, 'pid'>): number {
    const { lines } = readHistory([this.histories]);
    return lines.filter(({ process, op }) => process.includes(`-${pid}-`) && op === 'run-start').length;
  }

  /** The process has opened its store. */
  async begun(member: Member): Promise<void> {
    const isOwn = (file: string): boolean => file.includes(`-${member.pid}-`);
    await this.until(`process ${member.pid} has begun`, () => readdirSync(this.histories).some(isOwn));
  }

  /** Name of the process that began its history last. */
  newestHistory(): string {
    const begun = readHistory([this.histories]).lines.filter(({ kind }) => kind === 'head');
    const newest = begun.reduce((last, line) => (line.mono > last.mono ? line : last));
    return newest.process;
  }

  /** Written down before it is done, so that nothing that comes of it is earlier than its reason. */
  fault(
    fault: LoggedFault['fault'],
    target: LoggedFault['target'],
    more: Partial<LoggedFault> = {},
  ): () => void {
    this.#faults += 1;
    const id = `f${this.#faults}`;
    this.history.event('fault', { id, fault, target, ...more });
    return () => this.history.event('fault-end', { id });
  }

  async kill(member: Member): Promise<void> {
    if (member.child.exitCode !== null || member.child.signalCode !== null) return;
    this.fault('kill', member.pid);
    member.child.kill('SIGKILL');
    await member.ended;
  }

  async freeze(member: Member, ms: number): Promise<void> {
    const over = this.fault('pause', member.pid);
    // A server's other users go on.
    if (!this.#isFile) member.child.kill('SIGSTOP');
    for (let isClean = !this.#isFile; !isClean; ) {
      member.child.kill('SIGSTOP');
      isClean = await this.#thawUnlessWritable(member);
    }
    await wait(ms);
    member.child.kill('SIGCONT');
    over();
  }

  /** What workers complained of, but for a store that was slow: on a busy machine, and behind a process that stands still. */
  get unexpected(): string[] {
    return this.errors.filter((line) => !line.includes('StoreUnavailableError'));
  }

  /** Stopped in the middle of a write it keeps the file to itself, and all the others lose their leases, too. */
  async #thawUnlessWritable(member: Member): Promise<boolean> {
    const written = this.store.apply([{ op: 'configure', queue: 'work', patch: {} }]).then(() => true);
    if (await Promise.race([written, wait(300, false)])) return true;
    member.child.kill('SIGCONT');
    return written.then(() => false);
  }

  async summary(): Promise<QueueSummary> {
    const [found] = await this.store.queues(['work']);
    if (found === undefined) throw new Error('the queue is gone');
    return found;
  }

  async open(): Promise<number> {
    const { counts } = await this.summary();
    return counts.waiting + counts.delayed + counts.active + counts.blocked + counts.parked;
  }

  async workers(count: number): Promise<void> {
    await this.until(`${count} workers are up`, async () => (await this.store.sessions()).length >= count);
  }

  async until(what: string, isTrue: () => boolean | Promise<boolean>): Promise<void> {
    const deadline = performance.now() + WAIT_MS;
    while (!(await isTrueNow(isTrue))) {
      if (performance.now() > deadline) throw new Error(`after ${WAIT_MS} ms still not true: ${what}`);
      await wait(50);
    }
  }

  /** Lets the rest be done by workers that nobody hurts, writes down what is there, and asks the checker. */
  async finish(): Promise<CheckReport> {
    const workers = [...this.#members].filter(({ role }) => role === 'worker');
    await Promise.all(
      [...this.#members].filter(({ role }) => role === 'producer').map((one) => this.kill(one)),
    );
    if (workers.length === 0) workers.push(this.spawn('worker'));
    await this.until('no job is open', async () => (await this.open()) === 0);
    this.history.event('scope', { rested: true });
    for (const { child } of workers) child.kill('SIGTERM');
    await Promise.all(workers.map(({ ended }) => ended));
    await this.store.verify();
    for await (const _ of this.store.dump());
    return this.check();
  }

  /** Kept where it is when something is wrong, for people to look at. */
  check(): CheckReport {
    const report = checkHistory(readHistory([this.histories]).lines);
    if (!report.ok) writeFileSync(join(this.folder, 'report.json'), JSON.stringify(report, null, 2));
    return report;
  }

  async remove(): Promise<void> {
    await Promise.all([...this.#members].map((member) => this.kill(member)));
    await this.#release();
    if (process.env['MILLRACE_KEEP'] === undefined) rmSync(this.folder, { recursive: true, force: true });
    else process.stderr.write(`kept: ${this.folder}\n`);
  }
}

function kindOf(url: string): 'sqlite' | 'postgres' | 'redis' {
  if (url.startsWith('sqlite:')) return 'sqlite';
  return url.startsWith('redis') ? 'redis' : 'postgres';
}

/** A server that is away says neither. */
async function isTrueNow(isTrue: () => boolean | Promise<boolean>): Promise<boolean> {
  try {
    return await isTrue();
  } catch (error) {
    if (error instanceof StoreUnavailableError) return false;
    throw error;
  }
}

/** What a checker found, short enough for the output of a test. */
export function complaints({ violations }: CheckReport): string[] {
  return violations.slice(0, 20).map(({ check, message }) => `${check}: ${message}`);
}

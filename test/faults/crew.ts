/** Four processes on one store, and somebody who kills them. */

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const here = dirname(fileURLToPath(import.meta.url));

/** mulberry32: the same seed makes the same plan of kills; when they hit is up to the machine. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

interface Member {
  readonly role: 'producer' | 'worker';
  readonly start: () => ChildProcess;
  child: ChildProcess;
}

export class Crew {
  readonly ackFile: string;
  readonly runFile: string;
  readonly #url: string;
  readonly errors: string[] = [];
  readonly #members: Member[] = [];
  #starts = 0;
  #kills = 0;

  constructor(folder: string, url: string) {
    this.#url = url;
    this.ackFile = join(folder, 'acknowledged');
    this.runFile = join(folder, 'runs');
    for (const file of [this.ackFile, this.runFile]) writeFileSync(file, '');
  }

  get kills(): number {
    return this.#kills;
  }

  add(role: Member['role']): void {
    const start = (): ChildProcess => this.#spawn(role);
    this.#members.push({ role, start, child: start() });
  }

  #spawn(role: Member['role']): ChildProcess {
    this.#starts += 1;
    const last = role === 'producer' ? [this.ackFile, `p${this.#starts}`] : [this.runFile];
    const args = ['--no-warnings', join(here, `crash-${role}.mjs`), this.#url, ...last];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr?.on('data', (chunk: Buffer) => this.errors.push(`${role}: ${chunk}`));
    return child;
  }

  /** SIGKILL, and a new one in its place at once, while the others go on. */
  async killOne(index: number): Promise<void> {
    const member = this.#members[index];
    if (member === undefined) throw new RangeError(`no member ${index}`);
    await kill(member.child);
    this.#kills += 1;
    member.child = member.start();
  }

  async killFor(ms: number, random: () => number): Promise<void> {
    const deadline = performance.now() + ms;
    while (performance.now() < deadline) {
      await wait(150 + random() * 700);
      await this.killOne(Math.floor(random() * this.#members.length));
    }
  }

  /** Freezes one for longer than its leases live, so that it comes back believing that it still holds them. */
  async freezeOne(index: number, ms: number): Promise<void> {
    const child = this.#members[index]?.child;
    child?.kill('SIGSTOP');
    await wait(ms);
    child?.kill('SIGCONT');
  }

  async killAll(role?: Member['role']): Promise<void> {
    const gone = this.#members.filter((member) => role === undefined || member.role === role);
    await Promise.all(gone.map(({ child }) => kill(child)));
  }

  /** Lines of a file of notes, as lists of words. */
  notes(file: string): string[][] {
    const lines = readFileSync(file, 'utf8').split('\n');
    return lines.filter((line) => line !== '').map((line) => line.split(' '));
  }
}

async function kill(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGKILL');
  await ended;
}

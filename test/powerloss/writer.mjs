/**
 * The program whose disk is cut off: node writer.mjs DIST URL NOTES SCENARIO ROUNDS.
 *
 * Works with the real queue, worker and store of the build in DIST. Everything that the store has acknowledged is
 * written down in NOTES, as a line of JSON, after the promise resolved and not before; what is only about to be
 * asked is written down as well (`adding`, `removing`, `changing`), because after a power cut it may be there or not.
 * It runs under strace, which sees the notes and the writes to the database in the order in which they happened.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { changes, endings, removals } from './writer-moves.mjs';
import { note, sizeOf, useNotes, workUntilIdle } from './writer-work.mjs';

const [dist, url, notesFile, scenario, rounds = '1', prefix = 'm'] = process.argv.slice(2);
// Of the same driver as the store: two copies of SQLite in one process would undo each other's locks.
const isBuiltIn = Number(process.versions.node.split('.')[0]) >= 22;
const { DatabaseSync } = createRequire(import.meta.url)(isBuiltIn ? 'node:sqlite' : '@photostructure/sqlite');
const { connect, Queue, Worker } = await import(`${dist}/index.js`);
useNotes((text) => writeSync(notes, text));
const notes = openSync(notesFile, 'a');

let made = 0;
const nextId = () => `${prefix}${++made}`;

function jobFor(id, opts = {}) {
  const size = sizeOf(id);
  return {
    name: size > 5_000 ? 'large' : 'small',
    data: { id, fill: 'x'.repeat(size) },
    opts: { jobId: id, attempts: 3, backoff: { type: 'fixed', delay: 1 }, ...opts },
  };
}

async function addOne(queue, opts) {
  const id = nextId();
  const { name, data, opts: options } = jobFor(id, opts);
  note('adding', { queue: queue.name, ids: [id], sizes: [data.fill.length] });
  await queue.add(name, data, options);
  note('added', { queue: queue.name, ids: [id] });
  return id;
}

async function addMany(queue, count, opts) {
  const jobs = Array.from({ length: count }, () => jobFor(nextId(), opts));
  const ids = jobs.map(({ data }) => data.id);
  note('adding', { queue: queue.name, ids, sizes: jobs.map(({ data }) => data.fill.length) });
  await queue.addBulk(jobs);
  note('added', { queue: queue.name, ids });
  return ids;
}

/** In transactions of the application, on a connection of its own; half of them are rolled back. */
async function joined({ queue }) {
  note('phase', { phase: 'join' });
  const db = new DatabaseSync(url.slice('sqlite:'.length));
  db.exec('pragma busy_timeout = 5000; pragma synchronous = full');
  db.exec('create table if not exists purchase (id text)');
  for (let index = 0; index < 6; index += 1) {
    const jobs = Array.from({ length: 3 }, () => jobFor(nextId()));
    const ids = jobs.map(({ data }) => data.id);
    // Of one that is rolled back nothing may ever be seen, so it is not announced.
    const commits = index % 2 === 0;
    if (commits) note('adding', { queue: 'joined', ids, sizes: jobs.map(({ data }) => data.fill.length) });
    db.exec('begin immediate');
    db.prepare('insert into purchase values (?)').run(ids[0]);
    await queue('joined').addBulk(jobs, { tx: db });
    db.exec(commits ? 'commit' : 'rollback');
    if (commits) note('added', { queue: 'joined', ids });
  }
  db.close();
}

async function configure(store, queue, value) {
  await store.apply([{ op: 'configure', queue, patch: { objectiveMs: value } }]);
  note('configured', { queue, value });
}

/** Opens the file anew: made and migrated the first time, checkpointed and truncated at every end. */
async function session(work) {
  note('phase', { phase: 'open' });
  const shared = connect(url);
  await shared.store.durability();
  note('opened', {});
  const queues = new Map();
  const queue = (name) => {
    if (!queues.has(name)) queues.set(name, new Queue(name, { connection: url }));
    return queues.get(name);
  };
  await work({ store: shared.store, queue, Worker, url });
  note('phase', { phase: 'close' });
  for (const opened of queues.values()) await opened.close();
  await shared.release();
  note('closed', {});
}

async function produce({ store, queue }, round) {
  const main = queue('main');
  note('phase', { phase: 'add' });
  for (let index = 0; index < 12; index += 1) await addOne(main);
  await Promise.all(Array.from({ length: 20 }, () => addOne(main)));
  note('phase', { phase: 'addBulk' });
  for (let index = 0; index < 3; index += 1) await addMany(main, 15);
  await addMany(queue('later'), 5, { delay: 3_600_000 });
  note('phase', { phase: 'configure' });
  await configure(store, 'main', 1_000 + round);
}

async function work(tools) {
  note('phase', { phase: 'work' });
  const { queue } = tools;
  const [letters, brief, once_] = [queue('letters'), queue('brief'), queue('once')];
  for (let index = 0; index < 4; index += 1) await addOne(letters, { attempts: 1 });
  await addMany(brief, 6, { removeOnComplete: true });
  await addMany(once_, 4);
  await workUntilIdle(tools, ['main', 'letters', 'brief', 'once']);
}

async function prepare({ store }) {
  note('phase', { phase: 'configure' });
  await store.apply([
    { op: 'configure', queue: 'letters', patch: { deadLetterQueue: 'dead' } },
    { op: 'configure', queue: 'once', patch: { delivery: 'at-most-once' } },
  ]);
  await configure(store, 'main', 1_000);
}

/** Every kind of write that there is, from a single process. */
async function everything(count) {
  await session(prepare);
  for (let round = 1; round <= count; round += 1) {
    await session(async (tools) => {
      await produce(tools, round);
      await endings(tools, { addMany });
      await changes(tools, { addMany });
      await joined(tools);
      await work(tools);
      await removals(tools, { addMany });
    });
  }
  await session(async (tools) => {
    await produce(tools, count + 1);
    // The last of it is not closed: the log stays, as it does where a process is killed.
    process.kill(process.pid, 'SIGKILL');
  });
}

/** A file that an older release left behind; then enough work on it to see that it is whole. */
async function upgrade() {
  await session(async (tools) => {
    // Above what the older release has set.
    await produce(tools, 100);
    await work(tools);
  });
}

/** Two processes on one file: one adds, one works. */
async function pair() {
  await session(prepare);
  const run = async (role) => {
    const args = ['--no-warnings', fileURLToPath(import.meta.url), dist, url, notesFile, role, rounds, role];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'] });
    const [code] = await once(child, 'exit');
    if (code !== 0) throw new Error(`the ${role} ended with code ${code}`);
  };
  await Promise.all([run('adds'), run('works')]);
  await session(work);
}

async function adds() {
  for (let round = 1; round <= Number(rounds); round += 1) await session((tools) => produce(tools, round));
}

const works = () => session(work);

await { everything: () => everything(Number(rounds)), upgrade, pair, adds, works }[scenario]();

/** Recounts, and looks for orphans: every key of the namespace must be one that something else leads to. */

import { JOB_STATES } from '../../job/record.ts';
import type { Finding } from '../store.ts';
import { Cursor } from './cursor.ts';
import type { Engine } from './engine.ts';
import { pairsOf } from './inspect.ts';
import { VERIFY_ONE_QUEUE, VERIFY_OTHERS } from './read-scripts.ts';
import { listOf, type Reply, textOf } from './reply.ts';

/** Buckets of 128 jobs that one script walks through. */
const BUCKETS = 100;
/** What large queues are counted by is not of one moment, so what was found is looked at again. */
const LOOKS = 3;
const MANY_KEYS = 5_000;

export async function verify(engine: Engine): Promise<Finding[]> {
  const keys = await keysOf(engine);
  const names = [...keys.names.values()].sort();
  const findings: Finding[] = [];
  for (const name of names) findings.push(...(await verifyQueue(engine, name)));
  findings.push(...(await verifyOthers(engine, keys)));
  if (keys.strange.length > 0) {
    findings.push(
      wrong('orphans', `${keys.strange.length} keys belong to nothing (for example ${keys.strange[0]})`),
    );
  }
  return findings;
}

async function verifyQueue(engine: Engine, queue: string): Promise<Finding[]> {
  for (let look = 1; ; look += 1) {
    const { findings, isWhole } = await lookAtQueue(engine, queue);
    if (findings.length === 0 || isWhole || look === LOOKS) return findings;
  }
}

async function lookAtQueue(
  engine: Engine,
  queue: string,
): Promise<{ findings: Finding[]; isWhole: boolean }> {
  const found = new Map<string, number>();
  const odd: Finding[] = [];
  let from = '-inf';
  let isWhole = true;
  for (;;) {
    const cursor = new Cursor(listOf(await engine.read(VERIFY_ONE_QUEUE, [queue, from, BUCKETS])));
    if (cursor.isEnd) return { findings: [], isWhole };
    from = cursor.text();
    for (const [name, number] of pairsOf(cursor.next()))
      found.set(name, (found.get(name) ?? 0) + Number(number));
    const kept = pairsOf(cursor.next());
    odd.push(...oddOf(cursor.next(), `queue "${queue}": `));
    if (from === '') return { findings: [...odd, ...compare(queue, found, kept)], isWhole };
    isWhole = false;
  }
}

const ORDERS: Readonly<Record<string, string>> = {
  b: 'buckets of jobs',
  w: 'jobs that wait in turn',
  o: 'others that wait',
  y: 'others that are ready',
  d: 'jobs that wait for a time',
  e: 'jobs that expire',
  a: 'active jobs by age',
  zc: 'completed jobs by age',
  zf: 'failed jobs by age',
  zx: 'cancelled jobs by age',
  zk: 'finished jobs with a rule of their own',
};

function compare(
  queue: string,
  found: ReadonlyMap<string, number>,
  kept: ReadonlyMap<string, string>,
): Finding[] {
  const jobs = found.get('i') ?? 0;
  const differs = (name: string): boolean => (found.get(name) ?? 0) !== Number(kept.get(name) ?? 0);
  const says = (name: string): string => `${kept.get(name) ?? 0}`;
  const findings = [
    ...JOB_STATES.filter(differs).map((state) =>
      wrong(
        'counts',
        `queue "${queue}" counts ${says(state)} jobs as ${state} and has ${found.get(state) ?? 0}`,
      ),
    ),
    ...Object.keys(ORDERS)
      .filter(differs)
      .map((name) =>
        wrong(
          'orders',
          `queue "${queue}" notes ${says(name)} ${ORDERS[name]} and has ${found.get(name) ?? 0}`,
        ),
      ),
  ];
  if (differs('i'))
    findings.push(wrong('ids', `queue "${queue}" knows ${says('i')} ids and has ${jobs} jobs`));
  if (Number(kept.get('total')) !== jobs) {
    const message = `queue "${queue}" has ${jobs} jobs, but added less what it removed is ${says('total')}`;
    findings.push(wrong('totals', message));
  }
  return findings;
}

interface Keys {
  readonly names: ReadonlyMap<string, string>;
  readonly workers: readonly string[];
  /** Queue's number and job's number of lists of attempts and logs. */
  readonly lists: readonly (readonly [string, string])[];
  readonly strange: readonly string[];
}

const KNOWN =
  /^(?:n|names|mode|cells|in|ob|un|sc:.+|leader|lx|sus|se|rq[01]|mv|audit|op[sre]|feeds|q:.+|feed:.+|st[mh]:.+|st:.+|op:.+|cl:.+|news)$/s;
const OF_QUEUE = /^(\d+):(?:[fmx]\d+|b|i|w|o|y|d|e|a|z[cfxk])$/;
const OF_JOB = /^(\d+):[tg](\d+)$/;

async function keysOf(engine: Engine): Promise<Keys> {
  const { prefix } = engine.place;
  const names = pairsOf(await engine.call('HGETALL', `${prefix}names`));
  const workers: string[] = [];
  const lists: (readonly [string, string])[] = [];
  const strange: string[] = [];
  for await (const key of scan(engine)) {
    const rest = key.slice(prefix.length);
    const [, queue] = OF_QUEUE.exec(rest) ?? [];
    const [, listQueue, seq] = OF_JOB.exec(rest) ?? [];
    if (rest.startsWith('l:')) workers.push(rest.slice(2));
    else if (listQueue !== undefined && seq !== undefined) lists.push([listQueue, seq]);
    else if (queue !== undefined ? !names.has(queue) : !KNOWN.test(rest)) strange.push(key);
  }
  return { names, workers, lists, strange };
}

/** Each key at least once; of those that come and go meanwhile some. */
async function* scan(engine: Engine): AsyncGenerator<string> {
  const pattern = `${engine.place.prefix.replaceAll(/[\\*?[\]]/g, '\\$&')}*`;
  const seen = new Set<string>();
  let cursor = '0';
  do {
    const [next, keys] = listOf(await engine.call('SCAN', cursor, 'MATCH', pattern, 'COUNT', 1_000));
    cursor = textOf(next);
    for (const key of listOf(keys).map(textOf)) {
      if (seen.has(key)) continue;
      seen.add(key);
      yield key;
    }
  } while (cursor !== '0');
}

async function verifyOthers(engine: Engine, { workers, lists }: Keys): Promise<Finding[]> {
  const findings: Finding[] = [];
  let first: readonly string[] = workers;
  for (let from = 0; from === 0 || from < lists.length; from += MANY_KEYS) {
    const some = lists.slice(from, from + MANY_KEYS);
    const args = [first.length, ...first, some.length, ...some.flat(), from === 0 ? 1 : 0];
    const cursor = new Cursor(listOf(await engine.read(VERIFY_OTHERS, args)));
    findings.push(...oddOf(cursor.next(), ''));
    first = [];
  }
  return findings;
}

/** Check, what and an example, in turn. */
function oddOf(reply: Reply, where: string): Finding[] {
  const flat = listOf(reply).map((each) => String(each));
  const findings: Finding[] = [];
  for (let index = 0; index < flat.length; index += 3) {
    findings.push(wrong(flat[index] ?? '', `${where}${flat[index + 1]} (for example ${flat[index + 2]})`));
  }
  return findings;
}

function wrong(check: string, message: string): Finding {
  const advice = 'This is a bug in the Redis store; please report it with this message.';
  return { severity: 'error', check, message, advice };
}

/**
 * Between a process and the store: packets that take their time, overtake one another, get lost on the way there or
 * on the way back, or come when nobody waits for the answer any more.
 */

import { StoreUnavailableError } from '../../src/errors.ts';
import type { Hint, Store } from '../../src/store/store.ts';
import type { Chance } from './chance.ts';
import type { FaultLog } from './fault-log.ts';
import type { SimProcess } from './sim-process.ts';
import type { Timeline } from './timeline.ts';

/** How bad it is. Shares of all packets, milliseconds of virtual time. */
export interface Weather {
  readonly lostRequests: number;
  readonly lostAnswers: number;
  readonly lostHints: number;
  /** Packets that take up to `lateMs`. */
  readonly late: number;
  readonly lateMs: number;
  readonly usualMs: number;
  /** What is not late takes no longer. */
  readonly mostMs: number;
  /** After which a caller hears that the store is not there. */
  readonly timeoutMs: number;
  /** Calls at which the process dies: before the packet leaves, or after. */
  readonly deaths: number;
}

export const FAIR: Weather = {
  ...{ lostRequests: 0, lostAnswers: 0, lostHints: 0, late: 0, lateMs: 0 },
  ...{ usualMs: 5, mostMs: 50, timeoutMs: 5_000, deaths: 0 },
};

export interface Wire {
  readonly timeline: Timeline;
  readonly chance: Chance;
  readonly log: FaultLog;
  /** May change while the history runs. */
  weather: Weather;
  /** Whose call the store carries out. */
  caller: SimProcess | null;
  /** Packets on the way to the store. */
  inFlight: number;
}

const VERBS = [
  ...['apply', 'claim', 'commit', 'renew', 'beat', 'endSession', 'upkeep', 'job', 'attempts', 'logs'],
  ...[
    'find',
    'queues',
    'stats',
    'sessions',
    'leases',
    'feed',
    'operations',
    'audit',
    'verify',
    'doctor',
    'durability',
  ],
];

type Verb = (...args: readonly unknown[]) => Promise<unknown>;

/** The store as one process reaches it. */
export function reach(wire: Wire, process: SimProcess, store: Store): Store {
  const verbs = VERBS.map((name): [string, Verb] => {
    const verb = Reflect.get(store, name) as Verb | undefined;
    return [
      name,
      (...args) =>
        verb === undefined ? Promise.resolve() : call(wire, process, { name, go: () => verb(...args) }),
    ];
  });
  return {
    ...store,
    ...Object.fromEntries(verbs),
    watch: watcher(wire, process, store),
    close: async () => undefined,
  };
}

/** Ends of attempts are late oftener than all else: that is what leases have fences for. */
const MORE_LATE_ENDS = 1.5;

/** Never answered when the process is dead by then. */
function call(
  wire: Wire,
  process: SimProcess,
  { name, go: verb }: { name: string; go: () => Promise<unknown> },
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    if (!process.isAlive) return;
    const dies = wire.chance.is(wire.weather.deaths) ? wire.chance.pick(['before', 'after']) : 'not';
    if (dies === 'before') return kill(wire, process);
    const timer = process.clock.after(wire.weather.timeoutMs, () => reject(away(wire)));
    const answered = (settle: () => void): void => {
      timer.cancel();
      settle();
    };
    // What a process has sent outlives it, and may take its time.
    const isLate =
      (dies === 'after' && wire.chance.is(0.5)) ||
      (name === 'commit' && wire.chance.is(wire.weather.late * MORE_LATE_ENDS));
    send(wire, process, {
      isLate,
      arrive: () => carryOut(wire, process, { verb, resolve, reject, answered }),
    });
    if (dies === 'after') kill(wire, process);
  });
}

interface Call {
  readonly verb: () => Promise<unknown>;
  readonly resolve: (answer: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly answered: (settle: () => void) => void;
}

function carryOut(wire: Wire, process: SimProcess, { verb, resolve, reject, answered }: Call): void {
  const back = (settle: () => void): void => {
    if (wire.chance.is(wire.weather.lostAnswers)) lose(wire, process, 'answer-lost');
    else transmit(wire, process, { arrive: () => process.enter(() => answered(settle)) });
  };
  wire.caller = process;
  verb().then(
    (answer) => back(() => resolve(answer)),
    (error: unknown) => back(() => reject(error)),
  );
  wire.caller = null;
}

function send(wire: Wire, process: SimProcess, packet: Packet): void {
  if (wire.chance.is(wire.weather.lostRequests)) {
    lose(wire, process, 'request-lost');
    return;
  }
  wire.inFlight += 1;
  const gone = (): void => {
    wire.inFlight -= 1;
  };
  transmit(wire, process, { ...packet, gone });
}

interface Packet {
  readonly arrive: () => void;
  /** Whether it arrived or not. */
  readonly gone?: () => void;
  readonly isLate?: boolean;
}

/** The caller waits for it all the same, and knows nothing until then. */
function lose(
  { log, timeline, weather }: Wire,
  process: SimProcess,
  fault: 'request-lost' | 'answer-lost',
): void {
  const note = fault === 'answer-lost' ? 'lost answer' : 'lost request';
  process.troubledAtMs = timeline.nowMs;
  timeline.after(weather.timeoutMs, log.tell({ fault, process, note }));
}

/** A cut that comes while a packet is under way loses it, too. */
function transmit(wire: Wire, process: SimProcess, packet: Packet): void {
  const { chance, weather, log, timeline } = wire;
  const { arrive, gone = () => {} } = packet;
  const isLate = chance.is(weather.late) || (packet.isLate === true && weather.lateMs > 0);
  const arrived = isLate ? log.tell({ fault: 'late-packet', process, note: 'late packet' }) : () => {};
  const ms = isLate
    ? chance.whole(weather.usualMs, weather.lateMs)
    : chance.delay(weather.usualMs, weather.mostMs);
  const leftCut = process.isCut;
  if (isLate || leftCut) process.troubledAtMs = timeline.nowMs;
  timeline.after(ms, () => {
    gone();
    if (leftCut || process.isCut) log.count('packet cut off');
    else arrive();
    arrived();
  });
}

function kill(wire: Wire, process: SimProcess): void {
  wire.log.tell({ fault: 'kill', process, note: 'crash at a call' });
  process.die();
}

function away({ weather }: Wire): StoreUnavailableError {
  return new StoreUnavailableError(`the store did not answer within ${weather.timeoutMs} ms.`);
}

function watcher(wire: Wire, process: SimProcess, store: Store): Store['watch'] {
  return async (queues, onNews) => {
    const hear = (hint: Hint): void => {
      if (wire.chance.is(wire.weather.lostHints)) wire.log.count('lost hint');
      else transmit(wire, process, { arrive: () => process.enter(() => onNews(hint)) });
    };
    const begin = async (): Promise<() => void> => {
      const unwatch = await store.watch(queues, hear);
      process.onDeath(unwatch);
      return unwatch;
    };
    return (await call(wire, process, { name: 'watch', go: begin })) as () => void;
  };
}

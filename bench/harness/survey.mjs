/** Asks the questions: us and the peers in turn, run by run, so that what else the machine does meets all alike. */

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from './ask.mjs';

/** One who is measured in one way: a peer, and which of the question's variants. */
function contestantsOf(question, { peers, missing }) {
  return question.peers.flatMap((peer) =>
    (question.variants?.[peer] ?? [null]).map((variant) => ({
      key: seriesKey(peer, variant),
      peer,
      variant,
      missing: missing.get(peer) ?? null,
      at: peers.get(peer),
    })),
  );
}

export const seriesKey = (peer, variant) => (variant === null ? peer : `${peer}/${variant}`);

/** Who begins changes from run to run. */
function inTurn(contestants, number) {
  const first = number % Math.max(1, contestants.length);
  return [...contestants.slice(first), ...contestants.slice(0, first)];
}

export async function survey(name, question, { peers, folder, options, say, isOver }) {
  const size = options.quick ? question.quick : question.size;
  const runs = options.runs ?? (options.quick ? Math.min(2, question.runs) : question.runs);
  const shared = join(folder, name);
  mkdirSync(shared, { recursive: true });
  const contestants = contestantsOf(question, peers);
  const series = Object.fromEntries(contestants.map(({ key }) => [key, []]));
  const failures = contestants
    .filter(({ missing }) => missing !== null)
    .map(({ key, missing }) => ({ key, why: missing }));
  const askOne = async ({ key, peer, variant, at }, part, number) => {
    if (isOver()) throw new Error('there was no time left');
    const started = performance.now();
    const order = { name, question, peer: at, peerName: peer, size, folder: shared, part, variant, number };
    const answer = await ask(order);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    say(`${name} ${key} ${part === 'measure' ? `run ${number + 1}` : part} (${seconds} s)`);
    return answer;
  };
  const attempt = async (contestant, part, number) => {
    try {
      return await askOne(contestant, part, number);
    } catch (error) {
      say(`NOT MEASURED: ${name} ${contestant.key} ${part} ${number + 1}: ${error.message}`);
      failures.push({ key: contestant.key, why: error.message });
      return null;
    }
  };
  const ready = [];
  for (const contestant of contestants.filter(({ missing }) => missing === null)) {
    const isReady = question.prepare === undefined || (await attempt(contestant, 'prepare', 0)) !== null;
    if (isReady) ready.push(contestant);
  }
  for (let number = 0; number < runs; number += 1) {
    for (const contestant of inTurn(ready, number)) {
      const answer = await attempt(contestant, 'measure', number);
      if (answer !== null) series[contestant.key].push(answer);
    }
  }
  rmSync(shared, { recursive: true, force: true, maxRetries: 3 });
  return { name, size, runs, series, failures };
}

/** Asks the questions: us and the peers in turn, run by run, so that what else the machine does meets all alike. */

import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from './ask.mjs';

export const seriesKey = (peer, variant) => (variant === null ? peer : `${peer}/${variant}`);

/** One who is measured in one way: a peer, and which of the question's variants. */
function contestantsOf(question, { peers, missing }) {
  return question.peers.flatMap((peer) =>
    (question.variants?.[peer] ?? [null]).map((variant) => ({
      key: seriesKey(peer, variant),
      name: peer,
      variant,
      missing: missing.get(peer) ?? null,
      peer: peers.get(peer),
    })),
  );
}

/** Who begins changes from run to run. */
function inTurn(contestants, number) {
  const first = number % Math.max(1, contestants.length);
  return [...contestants.slice(first), ...contestants.slice(0, first)];
}

const discard = (folder) => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });

/** What is written down: the line that names the error, without places of this machine. */
function reasonIn(why) {
  const lines = why.split('\n');
  const line = lines.find((each) => /\w*Error: /.test(each)) ?? lines[0];
  return line.replace(/(file:\/\/)?\/\S*\//g, '').slice(0, 200);
}

/** The runs of one question. What fails is said, noted, and measured no further in that run. */
class Survey {
  #name;
  #question;
  #tools;
  #folder;
  failures = [];

  constructor(name, question, tools) {
    this.#name = name;
    this.#question = question;
    this.#tools = tools;
    this.#folder = join(tools.folder, name);
  }

  get size() {
    const { quick, sizes } = this.#tools.options;
    const size = quick ? this.#question.quick : this.#question.size;
    const given = Object.entries(sizes).filter(([name]) => name in size);
    return { ...size, ...Object.fromEntries(given) };
  }

  get runs() {
    const { runs, quick } = this.#tools.options;
    return runs ?? (quick ? 1 : this.#question.runs);
  }

  /** Who is slow and only for comparison may be asked less often. */
  runsOf({ name }) {
    return Math.min(this.runs, this.#question.fewerRuns?.[name] ?? this.runs);
  }

  /** @returns the answer of the last part, or null when one failed. */
  async ask(contestant, parts, number) {
    const folder = join(this.#folder, `${contestant.name}-${contestant.variant}-${number}`);
    mkdirSync(folder, { recursive: true });
    try {
      let answer = null;
      for (const part of parts) answer = await this.#askPart(contestant, part, number, folder);
      return answer;
    } catch (error) {
      this.note(contestant, error.message);
      return null;
    } finally {
      await this.#tools.server.discard(folder);
      discard(folder);
    }
  }

  async #askPart({ key, name: peerName, variant, peer }, part, number, folder) {
    if (this.#tools.isOver()) throw new Error('there was no time left');
    const started = performance.now();
    const told = {
      name: this.#name,
      within: this.#tools.options.store.within,
      peer: peerName,
      part,
      variant,
      number,
      runs: this.runs,
      size: this.size,
    };
    const order = { ...told, folder, shared: this.#folder };
    const answer = await ask(peer, order, this.#question.timeoutMs);
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    this.#tools.say(`${this.#name} ${key} ${part} ${number + 1} (${seconds} s)`);
    return answer;
  }

  note({ key }, why) {
    this.#tools.say(`NOT MEASURED: ${this.#name} ${key}: ${why}`);
    this.failures.push({ name: this.#name, key, why: reasonIn(why) });
  }

  async end() {
    await this.#tools.server.discard(this.#folder);
    discard(this.#folder);
  }
}

async function prepare(survey, question, contestants) {
  if (question.prepare === undefined) return contestants;
  const ready = [];
  for (const contestant of contestants) {
    if ((await survey.ask(contestant, ['prepare'], 0)) !== null) ready.push(contestant);
  }
  return ready;
}

/** @returns every answer of every run, by contestant, and what could not be measured. */
export async function surveyQuestion(name, question, tools) {
  const survey = new Survey(name, question, tools);
  const all = contestantsOf(question, tools.peers);
  for (const contestant of all.filter((each) => each.missing !== null)) {
    survey.note(contestant, contestant.missing);
  }
  const ready = await prepare(
    survey,
    question,
    all.filter((each) => each.missing === null),
  );
  const parts = question.before === undefined ? ['measure'] : ['before', 'measure'];
  const series = Object.fromEntries(all.map(({ key }) => [key, []]));
  for (let number = 0; number < survey.runs; number += 1) {
    for (const contestant of inTurn(
      ready.filter((each) => number < survey.runsOf(each)),
      number,
    )) {
      const answer = await survey.ask(contestant, parts, number);
      if (answer !== null) series[contestant.key].push(answer);
    }
  }
  await survey.end();
  return { name, size: survey.size, runs: survey.runs, series, failures: survey.failures };
}

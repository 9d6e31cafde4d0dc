import { createHash } from 'node:crypto';

/** A program that the server runs as one step. */
export interface Script {
  readonly name: string;
  readonly text: string;
  /** By which the server knows it once it has run it. */
  readonly sha: string;
  /** Writes nothing, so there is nothing to wait for after it. */
  readonly isRead: boolean;
}

/** Joined from the parts that it needs, in their order. Refused when the memory of the server is full. */
export function script(name: string, ...parts: readonly string[]): Script {
  return make(name, [allIsHere('EXISTS'), ...parts], false);
}

/**
 * One without which a full memory would never become less full: jobs are claimed and end, leases are renewed, what was kept
 * for long enough goes. A server whose memory is full refuses commands that need more, unless their script has written
 * something before, and deleting is never refused.
 */
export function relievingScript(name: string, ...parts: readonly string[]): Script {
  return make(name, [allIsHere('DEL'), ...parts], false);
}

export function readScript(name: string, ...parts: readonly string[]): Script {
  return make(name, [allIsHere('EXISTS'), ...parts], true);
}

/**
 * While a cluster moves the keys of a slot from one node to another, each has some of them, and scripts are run on both. On
 * neither may ours: it would find half a store, and write to it. No key of these names exists, and for a key that it has
 * not, let alone two, a node of which the slot is on the move refuses the call, before anything is written.
 */
function allIsHere(command: 'EXISTS' | 'DEL'): string {
  return `redis.call('${command}', KEYS[1] .. '-', KEYS[1] .. '--')`;
}

function make(name: string, parts: readonly string[], isRead: boolean): Script {
  const text = inTable(parts.join('\n'));
  return { name, text, sha: createHash('sha1').update(text).digest('hex'), isRead };
}

const FUNCTION = /^local function (\w+)/gm;

/**
 * Functions become members of one table. A chunk makes all of its functions anew each time it runs, and a function that
 * refers to another by a local costs a search among all locals that others refer to: together as much as the commands of
 * a small call. A name that is used otherwise than to call stays a local.
 */
function inTable(text: string): string {
  const all = [...new Set([...text.matchAll(FUNCTION)].map(([, name]) => name ?? ''))];
  const names = all.filter((name) => !new RegExp(`(?<![\\w.:'"])${name}(?![\\w'"(])`).test(text));
  if (names.length === 0) return text;
  const told = names.join('|');
  const defined = text.replaceAll(new RegExp(`^local function (${told})\\(`, 'gm'), 'function $1(');
  return `local M = {}\n${defined.replaceAll(new RegExp(`(?<![\\w.:'"])(${told})\\(`, 'g'), 'M.$1(')}`;
}

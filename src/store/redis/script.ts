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

/** Joined from the parts that it needs, in their order. */
export function script(name: string, ...parts: readonly string[]): Script {
  return make(name, parts, false);
}

export function readScript(name: string, ...parts: readonly string[]): Script {
  return make(name, parts, true);
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

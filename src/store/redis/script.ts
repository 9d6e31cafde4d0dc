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
  const text = parts.join('\n');
  return { name, text, sha: createHash('sha1').update(text).digest('hex'), isRead };
}

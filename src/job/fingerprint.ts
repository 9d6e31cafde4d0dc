/**
 * Turns whatever a processor threw into the error that is kept, with a fingerprint by which failures that are
 * alike find together: of ten thousand dead letters a person sees the three reasons.
 */

import { MAX_REASON_BYTES, MAX_STACK_BYTES } from './limits.ts';
import type { StoredError } from './record.ts';
import { storableText } from './storable-text.ts';

const MAX_MESSAGE_BYTES = 4_096;
/** Errors below the first one whose stacks are kept: causes of causes, and those of an AggregateError. */
const MAX_CAUSES = 5;
/** What tells two failures apart stands at the beginning; normalising megabytes would only cost time. */
const MAX_NORMALISED = 500;
const FIRST_FRAME = '\n    at ';
/** No frame is that long; the pattern that reads frames is slow on very long lines. */
const MAX_FRAME = 1_000;

/** An error in the stored shape. Never throws, whatever it is given. */
export function toStoredError(error: unknown, jobName: string): StoredError {
  const name = storableText(classOf(error), MAX_REASON_BYTES);
  const message = storableText(messageOf(error), MAX_MESSAGE_BYTES);
  const stack = stackOf(error);
  const code = read(error, 'code');
  return {
    name,
    message,
    stack: stack === null ? null : storableText(stack, MAX_STACK_BYTES),
    code:
      typeof code === 'string' || typeof code === 'number'
        ? storableText(String(code), MAX_REASON_BYTES)
        : null,
    fingerprint: fingerprintOf({ name, message, stack: textOf(error, 'stack') }, jobName),
  };
}

/** 16 hexadecimal digits: the same for failures of one class, message (but for its values), place and job name. */
export function fingerprintOf(
  error: { readonly name: string; readonly message: string; readonly stack: string | null },
  jobName: string,
): string {
  const parts = [error.name, normaliseMessage(error.message), topOwnFrame(error.stack ?? ''), jobName];
  return hash64(parts.join('\u0001'));
}

/** Values that differ from failure to failure become placeholders. */
export function normaliseMessage(message: string): string {
  return message
    .slice(0, MAX_NORMALISED)
    .replace(/(?<!\w)(?:"[^"]*"|'[^']*'|`[^`]*`)/g, '<text>')
    .replace(/\b[\da-f]{8}-[\da-f]{4}-[\da-f]{4}-[\da-f]{4}-[\da-f]{12}\b/gi, '<uuid>')
    .replace(/\b0x[\da-f]+\b/gi, '<hex>')
    .replace(/\b(?=[\da-f]*\d)(?=[\da-f]*[a-f])[\da-f]{8,}\b/gi, '<hex>')
    .replace(/\d+(?:\.\d+)*/g, '<number>')
    .replace(/\s+/g, ' ')
    .trim();
}

/**
 * The first line of a stack that is neither of Node nor of a dependency: function and file, without the line,
 * so that a new release of the same code keeps its fingerprints, and with the last two parts of the path only, so
 * that two machines agree.
 */
export function topOwnFrame(stack: string): string {
  for (const line of framesOf(stack).slice(0, MAX_STACK_BYTES).split('\n')) {
    if (line.length > MAX_FRAME) continue;
    const frame = /^\s*at (?:async )?(?:(.*?) \()?(.*?):\d+:\d+\)?$/.exec(line);
    if (frame === null) continue;
    const [, name = '', place = ''] = frame;
    if (place.startsWith('node:') || place.includes('node_modules') || place.startsWith('internal/'))
      continue;
    return `${name} ${place.split(/[\\/]/).slice(-2).join('/')}`;
  }
  return '';
}

/** What follows the message, which may be of any length and is repeated at the head of the stack. */
function framesOf(stack: string): string {
  const start = stack.indexOf(FIRST_FRAME);
  return start < 0 ? '' : stack.slice(start);
}

/** A long message must not push the frames out of what is kept. */
function withShortHead(stack: string): string {
  const frames = framesOf(stack);
  return storableText(stack.slice(0, stack.length - frames.length), MAX_MESSAGE_BYTES) + frames;
}

/** Two 32-bit lanes of multiply and xor (cyrb53, Bryc 2018). Spreads well and needs nothing; not a secret. */
function hash64(text: string): string {
  let low = 0xdeadbeef;
  let high = 0x41c6ce57;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    low = Math.imul(low ^ unit, 2_654_435_761);
    high = Math.imul(high ^ unit, 1_597_334_677);
  }
  low = Math.imul(low ^ (low >>> 16), 2_246_822_507) ^ Math.imul(high ^ (high >>> 13), 3_266_489_909);
  high = Math.imul(high ^ (high >>> 16), 2_246_822_507) ^ Math.imul(low ^ (low >>> 13), 3_266_489_909);
  return hex(high) + hex(low);
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}

/** The error's class by the name it gives itself, which holds across copies of a package and realms. */
export function classOf(error: unknown): string {
  const name = textOf(error, 'name');
  if (name !== null && name !== '') return name;
  return error instanceof Error ? 'Error' : 'NotAnError';
}

function messageOf(error: unknown): string {
  const message = textOf(error, 'message');
  if (message !== null) return message;
  try {
    return typeof error === 'object' && error !== null
      ? (JSON.stringify(error) ?? String(error))
      : String(error);
  } catch {
    return 'a value that cannot be shown as text';
  }
}

/** The stack with those of its causes below, as far as there is room. */
function stackOf(error: unknown): string | null {
  const own = textOf(error, 'stack');
  if (own === null) return null;
  const parts = [withShortHead(own)];
  const seen = new Set<unknown>([error]);
  let below = causesOf(error);
  while (below.length > 0 && parts.length <= MAX_CAUSES) {
    const [cause, ...others] = below;
    below = others;
    if (cause === undefined || seen.has(cause)) continue;
    seen.add(cause);
    parts.push(
      `Caused by: ${withShortHead(textOf(cause, 'stack') ?? `${classOf(cause)}: ${messageOf(cause)}`)}`,
    );
    below = [...causesOf(cause), ...others];
  }
  return parts.join('\n');
}

function causesOf(error: unknown): unknown[] {
  const errors = read(error, 'errors');
  return [read(error, 'cause'), ...(Array.isArray(errors) ? errors.slice(0, MAX_CAUSES) : [])].filter(
    (cause) => cause !== undefined && cause !== null,
  );
}

function textOf(error: unknown, property: string): string | null {
  const value = read(error, property);
  return typeof value === 'string' ? value : null;
}

/** A getter of somebody's error class may throw; the attempt has failed already and must still be settled. */
function read(error: unknown, property: string): unknown {
  if (typeof error !== 'object' || error === null) return undefined;
  try {
    return (error as Record<string, unknown>)[property];
  } catch {
    return undefined;
  }
}

/**
 * JSON in and out of the bytes that stores keep. Encoding refuses what would come back as something else, with the
 * path to it: what `JSON.stringify` drops or bends in silence is found out here, not in a worker a week later.
 */

import { InvalidPayloadError, LimitExceededError } from '../errors.ts';
import { DEFAULT_MAX_PAYLOAD_BYTES, HARD_MAX_PAYLOAD_BYTES, MAX_JSON_DEPTH } from './limits.ts';
import type { Bytes } from './record.ts';

export const JSON_TYPE = 'application/json';
/** What a store answers in place of the type of a payload that it found damaged. */
export const DAMAGED_TYPE = 'application/vnd.millrace.damaged';

export interface EncodeOptions {
  /** Largest size of the result. Default 1 MiB. */
  readonly maxBytes?: number;
}

const encoder = new TextEncoder();
const decoder = new TextDecoder('utf-8', { fatal: true });
const NULL = encoder.encode('null');

/**
 * The value as JSON. `undefined` itself is stored as null, properties that are undefined are left out, as JSON
 * does; everything else either comes back equal or is refused.
 *
 * @param path How the caller calls the value, the root of the path in errors: `data`.
 * @throws InvalidPayloadError for a BigInt, a cycle, `undefined` in an array, NaN, a Date and the like.
 * @throws LimitExceededError when it is larger than `maxBytes`.
 */
export function encodeJson(value: unknown, path: string, options: EncodeOptions = {}): Bytes {
  if (value === undefined || value === null) return NULL.slice();
  const maxBytes = options.maxBytes ?? DEFAULT_MAX_PAYLOAD_BYTES;
  new Inspection(path, maxBytes).visit(value);
  const bytes = encodeText(JSON.stringify(value));
  if (bytes.byteLength > maxBytes) throw tooLarge(path, bytes.byteLength, maxBytes);
  return bytes;
}

/** Small payloads share their memory, for a buffer of its own costs more than what a small one holds. */
const POOL_BYTES = 8_192;
const SMALL_UNITS = 512;
const MAX_BYTES_A_UNIT = 3;
let pool = new Uint8Array(POOL_BYTES);
let used = 0;

function encodeText(text: string): Bytes {
  if (text.length > SMALL_UNITS) return encoder.encode(text);
  if (used + text.length * MAX_BYTES_A_UNIT > POOL_BYTES) [pool, used] = [new Uint8Array(POOL_BYTES), 0];
  const start = used;
  used += encoder.encodeInto(text, pool.subarray(start)).written;
  return pool.subarray(start, used);
}

/**
 * @throws InvalidPayloadError when the bytes are not JSON in UTF-8, which another program may have stored.
 */
export function decodeJson(bytes: Bytes, path = 'data'): unknown {
  try {
    return JSON.parse(decoder.decode(bytes));
  } catch (cause) {
    throw new InvalidPayloadError(path, 'the stored bytes are not JSON in UTF-8.', { cause });
  }
}

/** Also with parameters, and the types that end in `+json`. */
export function isJsonType(contentType: string): boolean {
  return contentType === JSON_TYPE || /^application\/(?:[^;\s]+\+)?json\s*(?:;|$)/i.test(contentType);
}

function tooLarge(path: string, bytes: number | null, maxBytes: number): LimitExceededError {
  const size = bytes === null ? 'more' : `${bytes} bytes long, more`;
  const raise = maxBytes < HARD_MAX_PAYLOAD_BYTES ? ', or raise maxPayloadBytes (64 MiB at most)' : '';
  return new LimitExceededError(
    `${path} is ${size} than the ${maxBytes} bytes allowed. Keep large content elsewhere and pass a reference${raise}.`,
  );
}

/** One walk over the value before it is written out. */
class Inspection {
  readonly #root: string;
  readonly #path: (string | number)[] = [];
  /** Objects on the way down to here. */
  readonly #above: object[] = [];
  readonly #maxBytes: number;
  #values = 0;

  constructor(root: string, maxBytes: number) {
    this.#root = root;
    this.#maxBytes = maxBytes;
  }

  visit(value: unknown): void {
    // Every value takes at least a byte. Without this a small graph whose parts are shared could unfold for ever.
    if (++this.#values > this.#maxBytes) throw tooLarge(this.#root, null, this.#maxBytes);
    switch (typeof value) {
      case 'string':
      case 'boolean':
        return;
      case 'number':
        this.#visitNumber(value);
        return;
      case 'object':
        if (value !== null) this.#visitObject(value);
        return;
      default:
        throw this.#refusal(REFUSED[typeof value] ?? 'it is of no type that JSON has.');
    }
  }

  #visitNumber(value: number): void {
    // A negative zero becomes 0, its equal: refusing it would fail a refund of `-1 * 0` and protect nobody.
    if (Number.isFinite(value)) return;
    throw this.#refusal(`${value} becomes null in JSON. Pass null, or a string.`);
  }

  #visitObject(value: object): void {
    // A cycle is always too deep in the end, so ancestors are compared only then.
    if (this.#above.length >= MAX_JSON_DEPTH) throw this.#tooDeep(value);
    this.#above.push(value);
    if (Array.isArray(value)) this.#visitArray(value);
    else this.#visitPlain(value);
    this.#above.pop();
  }

  #visitArray(array: readonly unknown[]): void {
    if (Object.keys(array).length !== array.length) {
      throw this.#refusal('the array has holes or named properties, which JSON has not. Pass a dense array.');
    }
    for (let index = 0; index < array.length; index++) {
      this.#path.push(index);
      this.visit(array[index]);
      this.#path.pop();
    }
  }

  #visitPlain(value: object): void {
    if (!isPlain(value)) throw this.#refusal(adviceFor(value));
    if (Object.getOwnPropertySymbols(value).length > 0) {
      throw this.#refusal('it has a property named by a symbol, which JSON leaves out. Name it by a string.');
    }
    for (const name of Object.keys(value)) {
      const member = (value as Record<string, unknown>)[name];
      if (member === undefined) continue;
      this.#path.push(name);
      this.visit(member);
      this.#path.pop();
    }
  }

  #tooDeep(value: object): InvalidPayloadError {
    const visited = [...this.#above, value];
    const start = visited.findIndex((above, index) => visited.includes(above, index + 1));
    if (start < 0) return this.#refusal(`it is nested more than ${MAX_JSON_DEPTH} levels deep.`);
    const again = visited.indexOf(visited[start] as object, start + 1);
    const origin = spell(this.#root, this.#path.slice(0, start));
    const closing = spell(this.#root, this.#path.slice(0, again));
    return new InvalidPayloadError(
      closing,
      `it refers back to ${origin}, a cycle that JSON cannot express. Pass an id instead.`,
    );
  }

  #refusal(message: string): InvalidPayloadError {
    return new InvalidPayloadError(spell(this.#root, this.#path), message);
  }
}

const REFUSED: Readonly<Record<string, string>> = {
  bigint: 'JSON has no BigInt. Pass it as a string: String(value).',
  function: 'JSON has no functions. Leave it out, or pass what the worker needs to find it.',
  symbol: 'JSON has no symbols. Pass a string.',
  undefined: 'undefined in an array becomes null in JSON. Pass null, or leave the element out.',
};

/** Made by a literal, by `JSON.parse` or `Object.create(null)`, in this realm or another. */
function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return true;
  return Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype as object, 'isPrototypeOf');
}

function adviceFor(value: object): string {
  if (value instanceof Date)
    return 'a Date comes back as a string. Pass value.toISOString() or value.getTime().';
  if (value instanceof Map) return 'a Map becomes {} in JSON. Pass Object.fromEntries(map) or [...map].';
  if (value instanceof Set) return 'a Set becomes {} in JSON. Pass [...set].';
  if (ArrayBuffer.isView(value) || value instanceof ArrayBuffer) {
    return 'binary data does not survive JSON. Pass a string: Buffer.from(bytes).toString("base64").';
  }
  if (value instanceof Promise) return 'it is a Promise. Did you forget to await it?';
  return `an instance of ${classOf(value)} comes back as a plain object. Pass a plain object.`;
}

function classOf(value: object): string {
  const made: unknown = value.constructor;
  return typeof made === 'function' && made.name !== '' ? made.name : 'a class';
}

const IDENTIFIER = /^[A-Za-z_$][\w$]*$/;

function spell(root: string, path: readonly (string | number)[]): string {
  let spelled = root;
  for (const step of path) {
    if (typeof step === 'number') spelled += `[${step}]`;
    else spelled += IDENTIFIER.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
  }
  return spelled;
}

import type { Bytes } from '../../job/record.ts';

/** Larger ones travel on their own: whoever keeps one small payload must not keep a large one alive with it. */
const SMALL_BYTES = 4_096;

/** What stands in a message for a payload: its length in the hold or, below zero, its place among the large ones. */
export type Packed = number;

/** The payloads of one message. */
export interface Load {
  readonly hold: Bytes;
  readonly large: readonly Bytes[];
}

/**
 * The small payloads of one message, end to end: a thousand buffers of their own cost far more to pass between threads,
 * and to collect afterwards, than all else that a thousand jobs are made of.
 */
export class Cargo {
  readonly #parts: Bytes[] = [];
  readonly #large: Bytes[] = [];
  #size = 0;

  put(bytes: Bytes): Packed {
    if (bytes.byteLength > SMALL_BYTES) return -this.#large.push(bytes);
    this.#parts.push(bytes);
    this.#size += bytes.byteLength;
    return bytes.byteLength;
  }

  load(): Load {
    const hold = new Uint8Array(this.#size);
    let at = 0;
    for (const part of this.#parts) {
      hold.set(part, at);
      at += part.byteLength;
    }
    return { hold, large: this.#large };
  }
}

export type Take = (packed: Packed) => Bytes;

/** Takes the payloads out in the order in which they were put in. */
export function unloading({ hold, large }: Load): Take {
  let at = 0;
  return (packed) => {
    if (packed < 0) return large[-packed - 1] ?? NOTHING;
    at += packed;
    return hold.subarray(at - packed, at);
  };
}

const NOTHING: Bytes = new Uint8Array(0);

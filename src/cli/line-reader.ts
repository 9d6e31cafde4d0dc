/**
 * Lines of a stream of bytes with bounded memory: a line beyond the limit is reported as too long and skipped up
 * to its end, whatever its size, instead of being collected first.
 */

export type InputLine =
  | { readonly number: number; readonly text: string; readonly endAt: number }
  | { readonly number: number; readonly problem: string; readonly endAt: number };

const NEW_LINE = 0x0a;

/** `endAt`: bytes read up to the end of the line. Empty lines are counted, not given. */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  maxBytes: number,
): AsyncGenerator<InputLine> {
  const line = new LineBuffer(maxBytes);
  for await (const chunk of chunks) {
    let start = 0;
    for (let end = chunk.indexOf(NEW_LINE); end !== -1; end = chunk.indexOf(NEW_LINE, start)) {
      line.take(chunk.subarray(start, end), 1);
      const read = line.finish();
      if (read !== null) yield read;
      start = end + 1;
    }
    line.take(chunk.subarray(start), 0);
  }
  const last = line.finish();
  if (last !== null) yield last;
}

class LineBuffer {
  readonly #maxBytes: number;
  #parts: Uint8Array[] = [];
  #bytes = 0;
  #number = 0;
  #endAt = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Bytes of the line under way; `ends` counts the new line that follows them. */
  take(part: Uint8Array, ends: 0 | 1): void {
    this.#bytes += part.length;
    this.#endAt += part.length + ends;
    if (this.#bytes > this.#maxBytes) this.#parts = [];
    else if (part.length > 0) this.#parts.push(part);
  }

  finish(): InputLine | null {
    const [parts, bytes] = [this.#parts, this.#bytes];
    this.#parts = [];
    this.#bytes = 0;
    this.#number += 1;
    const at = { number: this.#number, endAt: this.#endAt };
    if (bytes > this.#maxBytes) {
      return { ...at, problem: `is ${bytes} bytes long, the limit is ${this.#maxBytes}` };
    }
    return decode(parts, at);
  }
}

const decoder = new TextDecoder('utf-8', { fatal: true });

function decode(parts: readonly Uint8Array[], at: { number: number; endAt: number }): InputLine | null {
  try {
    const text = decoder.decode(Buffer.concat(parts)).trim();
    return text === '' ? null : { ...at, text };
  } catch {
    return { ...at, problem: 'is not UTF-8 text' };
  }
}

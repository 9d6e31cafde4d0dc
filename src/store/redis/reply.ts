/** What a server answers, as the verbs read it. */

/** Texts come as bytes, since some of them are payloads. */
export type Reply = null | number | Buffer | readonly Reply[];

/** What a command takes beside its name. */
export type Arg = string | number | Uint8Array;

export function bytesOf(reply: Reply | undefined): Buffer {
  if (Buffer.isBuffer(reply)) return reply;
  throw new TypeError(`the server answered ${describe(reply)} where text was expected`);
}

export function textOf(reply: Reply | undefined): string {
  return bytesOf(reply).toString('utf8');
}

/** Also of a number that a script has written as text, which is exact beyond the integers of the protocol. */
export function numberOf(reply: Reply | undefined): number {
  if (typeof reply === 'number') return reply;
  return Number(bytesOf(reply).toString('latin1'));
}

export function listOf(reply: Reply | undefined): readonly Reply[] {
  if (Array.isArray(reply)) return reply as readonly Reply[];
  throw new TypeError(`the server answered ${describe(reply)} where a list was expected`);
}

function describe(reply: Reply | undefined): string {
  if (reply === null || reply === undefined) return 'nothing';
  return typeof reply === 'number' ? 'a number' : Array.isArray(reply) ? 'a list' : 'text';
}

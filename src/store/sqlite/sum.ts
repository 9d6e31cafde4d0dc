import { crc32 } from 'node:zlib';
import type { Bytes } from '../../job/record.ts';

/** What says whose payload it is and how to read it. */
export interface Label {
  readonly contentType: string;
  readonly id: string;
  readonly name: string;
}

/**
 * SQLite keeps no checksum of its pages, so a byte that changed at rest comes back as if it had been written. The
 * payload is what nobody else would notice it in, so it has a checksum of its own; over its label too, because a
 * changed id or reference would give a job the payload of another.
 */
export function sumOf(body: Bytes, { id, name, contentType }: Label): number {
  const label = mixed(mixed(mixed(0x811c9dc5, id), name), contentType);
  // zlib forgets what it started from where an empty payload has no memory at all.
  return body.byteLength === 0 ? label : crc32(body, label);
}

/** Rows from before there were checksums have none. */
export function isIntact(body: Bytes, label: Label, sum: number | null): boolean {
  return sum === null || sumOf(body, label) === sum;
}

/** FNV-1a: for texts as short as these it is faster than a call out of JavaScript. */
function mixed(seed: number, text: string): number {
  let hash = seed;
  for (let at = 0; at < text.length; at += 1) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

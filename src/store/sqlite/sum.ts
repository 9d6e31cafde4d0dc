import { crc32 } from 'node:zlib';
import type { Bytes } from '../../job/record.ts';

/**
 * SQLite keeps no checksum of its pages, so a byte that changed at rest comes back as if it had been written. The
 * payload is what nobody else would notice it in, so it has a checksum of its own.
 */
export function sumOf(body: Bytes): number {
  return crc32(body);
}

/** Rows from before there were checksums have none. */
export function isIntact(body: Bytes, sum: number | null): boolean {
  return sum === null || sumOf(body) === sum;
}

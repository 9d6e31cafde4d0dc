/**
 * The only file that names the driver. What the store needs of it is small and written down here, so that no type of
 * the driver crosses into the rest of the house or into the published declarations.
 */

import { DriverMissingError } from '../../errors.ts';
import type { PgPool } from '../postgres-options.ts';

export type SqlValue = null | number | bigint | string | boolean | Uint8Array | readonly SqlValue[];

export interface PgQuery {
  readonly text: string;
  readonly values?: readonly SqlValue[];
  /** The statement is prepared once a connection under this name. */
  readonly name?: string;
  readonly rowMode?: 'array';
  readonly types?: PgTypes;
  /** Milliseconds after which the driver gives up waiting, in its own spelling. */
  readonly query_timeout?: number;
}

export interface PgResult {
  readonly rows: unknown[];
  readonly rowCount: number | null;
}

/** Anything that runs statements one after the other on one connection. */
export interface PgClient {
  query(query: PgQuery): Promise<PgResult>;
}

export interface PgPooled extends PgClient {
  /** With an error the connection is closed instead of kept. */
  release(error?: Error | boolean): void;
  on(event: 'error', listener: (error: Error) => void): unknown;
}

/** A connection of its own, outside of any pool. */
export interface PgConnection extends PgClient {
  connect(): Promise<void>;
  end(): Promise<void>;
  on(event: 'notification', listener: (news: { channel: string; payload?: string }) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'end', listener: () => void): unknown;
  unref?(): void;
  /** The driver's own; see `cutOff`. */
  readonly connection?: { readonly stream?: { destroy(): void } };
}

/** Without a farewell, which a peer that is gone would never answer. */
export function cutOff(connection: PgConnection): void {
  connection.connection?.stream?.destroy();
}

export interface PgDriver {
  readonly Pool: new (options: object) => PgPool;
  readonly Client: new (options: object) => PgConnection;
}

/** What the application set for its own queries, for the whole process, must not change the shape of ours. */
export interface PgTypes {
  getTypeParser(oid: number, format?: string): (value: string | Buffer) => unknown;
}

const OIDS = {
  bool: 16,
  bytea: 17,
  int8: 20,
  int2: 21,
  int4: 23,
  oid: 26,
  float4: 700,
  float8: 701,
  numeric: 1700,
};
const NUMBERS: ReadonlySet<number> = new Set([
  OIDS.int8,
  OIDS.int2,
  OIDS.int4,
  OIDS.oid,
  OIDS.float4,
  OIDS.float8,
  OIDS.numeric,
]);

const asText = (value: string | Buffer): unknown => value;
const asNumber = (value: string | Buffer): unknown => Number(value);
const asBoolean = (value: string | Buffer): unknown => value === 't';

/** In either form that a server, a database or a role may be set to (`bytea_output`). */
export function asBytes(value: string | Buffer): Uint8Array {
  const text = String(value);
  if (text.startsWith('\\x')) return Buffer.from(text.slice(2), 'hex');
  const plain = text.replace(/\\(\d{3}|\\)/g, (_, code: string) =>
    code === '\\' ? code : String.fromCharCode(Number.parseInt(code, 8)),
  );
  return Buffer.from(plain, 'latin1');
}

/** Numbers as numbers (ours stay below 2^53), bytes as bytes, everything else, JSON included, as text. */
export const TYPES: PgTypes = {
  getTypeParser: (oid) => {
    if (NUMBERS.has(oid)) return asNumber;
    if (oid === OIDS.bytea) return asBytes;
    return oid === OIDS.bool ? asBoolean : asText;
  },
};

const INSTALL = 'npm i pg';

/** @throws DriverMissingError with the line that installs it. */
export async function loadDriver(): Promise<PgDriver> {
  try {
    const module = (await import('pg')) as unknown as { readonly default: PgDriver };
    return module.default;
  } catch (error) {
    throw new DriverMissingError(
      `the PostgreSQL store needs the driver "pg", which is not installed. Install it with \`${INSTALL}\`.`,
      { cause: error },
    );
  }
}

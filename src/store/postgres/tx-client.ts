/** What an application may pass as its transaction, each as something that runs our statements in it. */

import { InvalidOptionError } from '../../errors.ts';
import type { StoreTx } from '../store.ts';
import { asBytes, type PgClient, type PgQuery, type PgResult, type SqlValue } from './driver.ts';

/** Kysely's, as far as it is needed: https://kysely-org.github.io/kysely-apidoc/classes/Transaction.html. */
interface KyselyTransaction {
  readonly isTransaction: boolean;
  executeQuery(query: object): Promise<{ rows: unknown[]; numAffectedRows?: bigint }>;
}
/** Prisma's, in `$transaction(async (tx) => …)`. */
interface PrismaTransaction {
  $queryRawUnsafe(text: string, ...values: unknown[]): Promise<unknown[]>;
  $executeRawUnsafe(text: string, ...values: unknown[]): Promise<number>;
}

/**
 * A client of `pg`, or a transaction of Drizzle (on `pg`), Kysely (with its PostgreSQL dialect) or Prisma.
 *
 * @throws InvalidOptionError when it is none of them.
 */
export function clientOf(tx: StoreTx): PgClient {
  const has = (name: string, of: unknown = tx): boolean =>
    typeof Reflect.get(Object(of), name) === 'function';
  const session: unknown = Reflect.get(tx, 'session');
  const inDrizzle: unknown = Reflect.get(Object(session), 'client');
  if (has('execute') && session !== undefined) {
    if (isClient(inDrizzle)) return inDrizzle;
    throw wrong('is a transaction of Drizzle on another driver than `pg`. Use `drizzle-orm/node-postgres`.');
  }
  if (has('executeQuery') && Reflect.get(tx, 'isTransaction') === true)
    return ofKysely(tx as KyselyTransaction);
  if (has('$queryRawUnsafe') && has('$executeRawUnsafe')) return ofPrisma(tx as PrismaTransaction);
  if (isClient(tx)) return tx;
  throw wrong(
    'is not a client of `pg`, nor a transaction of Drizzle, Kysely or Prisma. Pass the client in whose transaction ' +
      'the jobs belong.',
  );
}

/** A pool has `query` too, but each of its statements may run on another connection. */
function isClient(value: unknown): value is PgClient {
  const has = (name: string): boolean => typeof Reflect.get(Object(value), name) === 'function';
  return has('query') && typeof Reflect.get(Object(value), 'totalCount') !== 'number';
}

function ofKysely(tx: KyselyTransaction): PgClient {
  return shaped({
    rows: async (text, values) => (await tx.executeQuery(rawQuery(text, values))).rows,
    count: async (text, values) =>
      Number((await tx.executeQuery(rawQuery(text, values))).numAffectedRows ?? 0),
  });
}

let queries = 0;

/** What `CompiledQuery.raw` makes. */
function rawQuery(text: string, parameters: readonly SqlValue[]): object {
  queries += 1;
  const query = { kind: 'RawNode', sqlFragments: [text], parameters: [] };
  return { sql: text, query, parameters, queryId: { queryId: `millrace-${queries}` } };
}

function ofPrisma(tx: PrismaTransaction): PgClient {
  return shaped({
    rows: (text, values) => tx.$queryRawUnsafe(text, ...values),
    count: (text, values) => tx.$executeRawUnsafe(text, ...values),
  });
}

interface Runner {
  readonly rows: (text: string, values: readonly SqlValue[]) => Promise<unknown[]>;
  readonly count: (text: string, values: readonly SqlValue[]) => Promise<number>;
}

/** What a library makes of the types of columns is its own affair; one column of JSON text says what we need. */
const ANSWERS = /^\s*(select|with)\b/i;
/** Columns of ours that are bytes, which JSON has as text. */
const BYTES: ReadonlySet<string> = new Set(['body', 'result', 'progress', 'data', 'bytes']);

function shaped(runner: Runner): PgClient {
  return {
    query: async ({ text, values = [], rowMode }: PgQuery): Promise<PgResult> => {
      if (!ANSWERS.test(text)) return { rows: [], rowCount: await runner.count(text, values) };
      const wrapped = `select row_to_json(answer)::text as answer from (${text}) answer`;
      const rows = (await runner.rows(wrapped, values)).map((row) =>
        parsed((row as { answer: string }).answer),
      );
      return { rows: rowMode === 'array' ? rows.map(Object.values) : rows, rowCount: rows.length };
    },
  };
}

function parsed(text: string): object {
  return JSON.parse(text, (name, value: unknown) =>
    BYTES.has(name) && typeof value === 'string' ? asBytes(value) : value,
  ) as object;
}

export function wrong(message: string): InvalidOptionError {
  return new InvalidOptionError('the transaction', [{ path: 'tx', message }]);
}

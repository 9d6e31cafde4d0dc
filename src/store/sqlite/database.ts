import type { DriverConnection, DriverStatement, SqlValue } from './driver.ts';
import type { ExitGate } from './exit-gate.ts';

/** One connection with its prepared statements, each prepared once. Values are always bound. */
export class Database {
  readonly #connection: DriverConnection;
  readonly #statements = new Map<string, DriverStatement>();
  readonly #tupleStatements = new Map<string, DriverStatement>();

  readonly #gate: ExitGate | null;
  #changed = 0;

  /** `gate`: for a connection on a thread that the end of the process must not meet inside the driver. */
  constructor(connection: DriverConnection, gate: ExitGate | null = null) {
    this.#connection = connection;
    this.#gate = gate;
  }

  /** For statements without values: pragmas, schema, begin and commit. */
  exec(sql: string): void {
    this.#inside(() => this.#connection.exec(sql));
  }

  /** Answers the number of rows that changed. */
  run(sql: string, ...values: SqlValue[]): number {
    const changes = this.#inside(() => Number(this.#statement(sql).run(...values.map(asBlob)).changes));
    this.#changed += changes;
    return changes;
  }

  /** Rows that `run` has changed so far. */
  get changed(): number {
    return this.#changed;
  }

  /** The caller names the shape of its own columns. */
  get<Row>(sql: string, ...values: SqlValue[]): Row | undefined {
    return this.#inside(() => this.#statement(sql).get(...values) as Row | undefined);
  }

  all<Row>(sql: string, ...values: SqlValue[]): Row[] {
    return this.#inside(() => this.#statement(sql).all(...values) as Row[]);
  }

  /** Rows as arrays in the order of the columns: half the price where there are many columns. */
  tuples<Tuple>(sql: string, ...values: SqlValue[]): Tuple[] {
    return this.#inside(() => this.#tupleStatement(sql).all(...values) as Tuple[]);
  }

  #tupleStatement(sql: string): DriverStatement {
    let statement = this.#tupleStatements.get(sql);
    if (statement === undefined) {
      statement = this.#prepare(sql);
      // Releases of Node before 22.16 have rows as objects only.
      if (statement.setReturnArrays === undefined) statement = fromObjects(statement);
      else statement.setReturnArrays(true);
      this.#tupleStatements.set(sql, statement);
    }
    return statement;
  }

  /** Statements that are used once or seldom do not belong in the cache. */
  pragma<Row>(sql: string): Row | undefined {
    return this.#inside(() => this.#prepare(sql).get() as Row | undefined);
  }

  close(): void {
    this.#statements.clear();
    this.#tupleStatements.clear();
    this.#inside(() => this.#connection.close());
  }

  #inside<T>(call: () => T): T {
    return this.#gate === null ? call() : this.#gate.pass(call);
  }

  #statement(sql: string): DriverStatement {
    let statement = this.#statements.get(sql);
    if (statement === undefined) {
      statement = this.#prepare(sql);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  /** A connection of the application may be set to other shapes of rows; ours are these. */
  #prepare(sql: string): DriverStatement {
    const statement = this.#connection.prepare(sql);
    statement.setReadBigInts?.(false);
    statement.setReturnArrays?.(false);
    return statement;
  }
}

function fromObjects(statement: DriverStatement): DriverStatement {
  const toTuple = (row: unknown): unknown[] => Object.values(row as object);
  return {
    run: (...values) => statement.run(...values),
    get: (...values) => {
      const row = statement.get(...values);
      return row === undefined ? undefined : toTuple(row);
    },
    all: (...values) => statement.all(...values).map(toTuple),
  };
}

/** Node 22 binds empty bytes without memory of their own (those that came from another thread) as NULL. */
function asBlob(value: SqlValue): SqlValue {
  return value instanceof Uint8Array && value.byteLength === 0
    ? new Uint8Array(new ArrayBuffer(1), 0, 0)
    : value;
}

import { type PgClient, type PgQuery, type PgResult, type SqlValue, TYPES } from './driver.ts';

const KNOWN = 2_000;

/**
 * One connection as the verbs see it. In statements `{s}` stands for the schema, so that none depends on a search
 * path. Statements have no names: they work behind a pooler that gives every transaction another connection.
 */
export class Database {
  readonly schema: string;
  readonly #client: PgClient;
  readonly #texts: Map<string, string>;
  readonly #limitMs: number;

  /**
   * `texts`: statements that were written out before, shared by all connections of one store. `limitMs`: a server that
   * has not answered a statement by then is given up, and the connection with it.
   */
  constructor(
    client: PgClient,
    { schema, limitMs, texts = new Map() }: { schema: string; limitMs: number; texts?: Map<string, string> },
  ) {
    this.#client = client;
    this.schema = schema;
    this.#texts = texts;
    this.#limitMs = limitMs;
  }

  /** Statements without values, several at once: schema, begin and commit. */
  async exec(sql: string): Promise<void> {
    await this.#query({ text: this.named(sql) });
  }

  /** Answers the number of rows that changed. */
  async run(sql: string, ...values: SqlValue[]): Promise<number> {
    const { rowCount } = await this.#query({ text: this.named(sql), values, types: TYPES });
    return rowCount ?? 0;
  }

  /** The caller names the shape of its own columns. */
  async get<Row>(sql: string, ...values: SqlValue[]): Promise<Row | undefined> {
    return (await this.all<Row>(sql, ...values))[0];
  }

  async all<Row>(sql: string, ...values: SqlValue[]): Promise<Row[]> {
    const { rows } = await this.#query({ text: this.named(sql), values, types: TYPES });
    return rows as Row[];
  }

  /** Rows as arrays in the order of the columns: cheaper where there are many. */
  async tuples<Tuple>(sql: string, ...values: SqlValue[]): Promise<Tuple[]> {
    const text = this.named(sql);
    const { rows } = await this.#query({ text, values, rowMode: 'array', types: TYPES });
    return rows as Tuple[];
  }

  #query(query: PgQuery): Promise<PgResult> {
    return this.#client.query({ ...query, query_timeout: this.#limitMs });
  }

  /** The statement with the name of the schema in it. */
  named(sql: string): string {
    const known = this.#texts.get(sql);
    if (known !== undefined) return known;
    // Searches are made of the numbers of their queues; all others are a few hundred.
    if (this.#texts.size >= KNOWN) this.#texts.clear();
    const text = sql.replaceAll('{s}', `"${this.schema}"`).replaceAll('{schema}', this.schema);
    this.#texts.set(sql, text);
    return text;
  }
}

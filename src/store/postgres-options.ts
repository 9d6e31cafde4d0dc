/** How a PostgreSQL store is named: by URL, by a pool of the application, or by options. Pure; loads no driver. */

import { InvalidOptionError } from '../errors.ts';
import { nameOf } from '../job/check.ts';
import {
  anything,
  checkOptions,
  choice,
  flag,
  methods,
  type Rule,
  type Rules,
  whole,
} from '../job/option-rules.ts';
import type { Durability } from './store.ts';

/** What the store needs of a `pg.Pool`. */
export interface PgPool {
  connect(): Promise<PgPoolClient>;
  end(): Promise<void>;
  on(event: 'error', listener: (error: Error) => void): unknown;
  readonly totalCount: number;
}

/** What the store needs of a client of such a pool; also what joins a transaction of the application. */
export interface PgPoolClient {
  query(query: never): Promise<{ readonly rows: unknown[]; readonly rowCount: number | null }>;
  release(error?: Error | boolean): void;
}

/** Where the jobs are, and how many connections may be used for them. What is left out is up to the driver (`PGHOST` …). */
export interface PostgresOptions {
  /** `postgres://user:password@host:5432/database`, with the driver's own parameters (`sslmode` …). */
  readonly connectionString?: string;
  readonly host?: string;
  readonly port?: number;
  readonly database?: string;
  readonly user?: string;
  /** Text, or a function that answers it: for passwords that change. */
  readonly password?: string | (() => string | Promise<string>);
  /** As the driver `pg` takes it: true, or options of `node:tls`. */
  readonly ssl?: boolean | object;
  /** A `pg.Pool` of the application, instead of all above. It is never ended by the store. */
  readonly pool?: PgPool;
  /** Where the tables are. Default `millrace`; made at first use. */
  readonly schema?: string;
  /** Connections at most, beside the one that listens for news. Default 4. Not with `pool`, which has its own. */
  readonly poolSize?: number;
  /**
   * Listen for news on one connection of its own, so that a job starts at once. Default true. False: look now and
   * then. Text: the URL to listen on, for when the other one leads to a pooler in transaction mode.
   */
  readonly listen?: boolean | string;
  /** Make and update the tables at first use. Default true. False: somebody else runs `millrace migrate up`. */
  readonly migrate?: boolean;
  /** The least that an acknowledged write must survive. A server that does not give it is refused. */
  readonly durability?: Exclude<Durability['level'], 'memory'>;
}

export const DEFAULT_SCHEMA = 'millrace';
export const DEFAULT_POOL_SIZE = 4;

/** Options with their defaults, and the name of the place. */
export interface PostgresPlace {
  /** For messages; without password. */
  readonly url: string;
  readonly schema: string;
  readonly poolSize: number;
  readonly listen: boolean;
  /** Null: the same as for everything else. */
  readonly listenUrl: string | null;
  readonly migrate: boolean;
  readonly durability: PostgresOptions['durability'] | null;
  readonly pool: PgPool | null;
  /** For the driver, which knows the rest. */
  readonly client: Readonly<Record<string, unknown>>;
}

const text: Rule = (problems, part, value) => {
  if (typeof value !== 'string' || value === '') problems.invalid(part, 'must be text and not empty');
};
const postgresUrl: Rule = (problems, part, value) => {
  if (typeof value === 'string' && /^postgres(ql)?:\/\//i.test(value)) return;
  // The value may have a password in it.
  problems.invalid(part, 'must be a URL such as postgres://user@host:5432/database');
};
const secret: Rule = (problems, part, value) => {
  if (typeof value !== 'string' && typeof value !== 'function') {
    problems.invalid(part, 'must be text or a function that answers it');
  }
};

/** Bound as an identifier, always in quotes; these are the ones that also people can read and write. */
const SCHEMA = /^(?!pg_)[A-Za-z_][A-Za-z0-9_-]{0,62}$/;
const schemaName: Rule = (problems, part, value) => {
  if (typeof value === 'string' && SCHEMA.test(value)) return;
  const rule =
    'must be 1 to 63 letters, digits, "_" or "-", beginning with a letter or "_", and not with "pg_"';
  problems.invalid(part, `${rule}; is ${nameOf(value)}`);
};

const OWN: Rules = {
  schema: schemaName,
  poolSize: whole({ min: 1, max: 1_000 }),
  listen: (problems, part, value) => {
    if (typeof value === 'string') postgresUrl(problems, part, value);
    else flag(problems, part, value);
  },
  migrate: flag,
  durability: choice(['os', 'disk', 'replicated']),
};
const SERVER: Rules = {
  connectionString: postgresUrl,
  host: text,
  port: whole({ min: 1, max: 65_535 }),
  database: text,
  user: text,
  password: secret,
  ssl: anything,
};
const RULES: Rules = { ...SERVER, pool: methods('connect', 'query', 'end', 'on'), ...OWN };

/** A `pg.Pool`, and not one client, which could serve one transaction only. */
export function isPool(value: unknown): value is PgPool {
  return (
    ['connect', 'query', 'end', 'on'].every(
      (name) => typeof Reflect.get(Object(value), name) === 'function',
    ) && typeof Reflect.get(Object(value), 'totalCount') === 'number'
  );
}

/** Options of ours may stand among the parameters of a URL. */
export function optionsOfUrl(url: string): PostgresOptions {
  const [base = '', query = ''] = split(url);
  const parameters = new URLSearchParams(query);
  const own: Record<string, unknown> = {};
  for (const name of Object.keys(OWN)) {
    const value = parameters.get(name);
    if (value === null) continue;
    own[name] = parsed(name, value);
    parameters.delete(name);
  }
  const rest = parameters.toString();
  return { ...own, connectionString: rest === '' ? base : `${base}?${rest}` };
}

function split(url: string): [string, string] {
  const at = url.indexOf('?');
  return at < 0 ? [url, ''] : [url.slice(0, at), url.slice(at + 1)];
}

function parsed(name: string, value: string): unknown {
  if (name === 'poolSize') return Number(value);
  if (value === 'true' || value === 'false') return value === 'true';
  return value;
}

/**
 * @throws InvalidOptionError with all that is wrong, and never with a password in it.
 */
export function postgresPlace(options: PostgresOptions): PostgresPlace {
  checkOptions('the PostgreSQL connection', options, RULES);
  refuseBoth(options);
  const { pool, schema, poolSize, listen, migrate, durability, ...given } = options;
  const fromUrl = given.connectionString === undefined ? {} : optionsOfUrl(given.connectionString);
  const own = { ...fromUrl, ...defined({ schema, poolSize, listen, migrate, durability }) };
  checkOptions('the PostgreSQL connection', own, RULES);
  const { connectionString } = fromUrl;
  const client = { ...given, ...(connectionString !== undefined && { connectionString }) };
  const listening = own.listen ?? true;
  const named = own.schema ?? DEFAULT_SCHEMA;
  return {
    url: safeUrl({ ...client, pool, schema: named }),
    schema: named,
    poolSize: own.poolSize ?? DEFAULT_POOL_SIZE,
    listen: listening !== false,
    listenUrl: typeof listening === 'string' ? listening : null,
    migrate: own.migrate ?? true,
    durability: own.durability ?? null,
    pool: pool ?? null,
    client,
  };
}

function defined<T extends object>(options: T): Partial<T> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as Partial<T>;
}

/** With a pool the server is chosen already: what is said beside it would be silently wrong. */
function refuseBoth({ pool, ...options }: PostgresOptions): void {
  if (pool === undefined) return;
  const names = [...Object.keys(SERVER), 'poolSize'];
  const useless = names.filter((name) => Reflect.get(options, name) !== undefined);
  if (useless.length === 0) return;
  throw new InvalidOptionError(
    'the PostgreSQL connection',
    useless.map((path) => ({ path, message: 'has no effect beside "pool"; leave one of them out' })),
  );
}

/** Host and port, and not what a character out of place has put where they stand. */
const SERVER_NAME = /^(\[[^\]]*\]|[^:]*)(:\d+)?(?=$|:)/;

/** What people may read: never a password, wherever it stood. */
function safeUrl({ pool, schema, ...client }: Readonly<Record<string, unknown>>): string {
  const suffix = schema === DEFAULT_SCHEMA ? '' : `?schema=${schema}`;
  const settings = pool === undefined ? client : (Reflect.get(Object(pool), 'options') ?? {});
  const { connectionString, user, host, port, database } = settings as Record<string, unknown>;
  const [base] = split(typeof connectionString === 'string' ? connectionString : '');
  const parts = /^postgres(?:ql)?:\/\/(?:(.*)@)?([^/@]*)(?:\/(.*))?$/i.exec(base) ?? [];
  const who = String(parts[1]?.split(':')[0] || user || '');
  const where =
    SERVER_NAME.exec(parts[2] ?? '')?.[0] || `${host ?? ''}${port === undefined ? '' : `:${port}`}`;
  const what = parts[3] || database || '';
  return `postgres://${who === '' ? '' : `${who}@`}${where}/${what}${suffix}`;
}

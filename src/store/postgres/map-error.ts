import {
  EnvironmentError,
  MillraceError,
  StoreCorruptError,
  StoreFullError,
  StoreUnavailableError,
} from '../../errors.ts';

/** https://www.postgresql.org/docs/current/errcodes-appendix.html, and codes of the machine for the way there. */
const UNREACHABLE: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'ENOENT',
  '57P01',
  '57P02',
  '57P03',
  '57P05',
]);
/** The driver has no code for these. */
const CUT_OFF =
  /^(Connection terminated|Client has encountered a connection error|Client was closed|Cannot use a pool after calling end|timeout exceeded when trying to connect|Connection ended|Query read timeout|The server does not support SSL)/i;

const ACCESS: ReadonlySet<string> = new Set(['28000', '28P01', '3D000']);
const MISSING: ReadonlySet<string> = new Set(['3F000', '42P01', '42883']);
const CORRUPT: ReadonlySet<string> = new Set(['XX001', 'XX002']);
/** The transaction left no trace and may be run again as it is. */
const TRANSIENT: ReadonlySet<string> = new Set(['40001', '40P01', '23505']);

export interface Where {
  /** Without password. */
  readonly url: string;
  readonly schema: string;
}

/** Five characters for an error of the server, letters for one of the machine; null when it has neither. */
export function codeOf(error: unknown): string | null {
  const code: unknown = Reflect.get(Object(error), 'code');
  return typeof code === 'string' ? code : null;
}

export function mayRepeat(error: unknown): boolean {
  return TRANSIENT.has(codeOf(error) ?? '');
}

/** After these the connection is gone, or is about to be. */
export function breaksConnection(error: unknown): boolean {
  const code = codeOf(error);
  if (code !== null && (UNREACHABLE.has(code) || /^08/.test(code))) return true;
  return error instanceof Error && CUT_OFF.test(error.message);
}

/** Ours, in the words of the house; null for an error that says something about one call and not the store. */
export function toStoreError(error: unknown, where: Where): MillraceError | null {
  if (error instanceof MillraceError) return null;
  const code = codeOf(error) ?? '';
  const said = saidBy(error);
  const cause = { cause: error };
  if (breaksConnection(error)) return unreachable(where, said, cause);
  if (code.startsWith('53')) return short(code, { where, said, cause });
  if (CORRUPT.has(code)) {
    const message = `the database ${where.url} is damaged (${said}). Stop what uses it and restore a backup.`;
    return new StoreCorruptError(message, cause);
  }
  if (ACCESS.has(code)) {
    const advice = 'Check the user, the password and the database of the connection.';
    return new EnvironmentError(
      `the server at ${where.url} refuses the connection (${said}). ${advice}`,
      cause,
    );
  }
  if (code === '42501') return new EnvironmentError(withoutRight(where, said), cause);
  if (MISSING.has(code)) return new EnvironmentError(withoutTables(where, said), cause);
  return passing(isRefusedByStandby(error) ? READ_ONLY : code, { where, said, cause });
}

const READ_ONLY = '25006';

/** A standby says it in another way when it is asked for a transaction that writes. */
function isRefusedByStandby(error: unknown): boolean {
  return /read_?only/i.test(String(Reflect.get(Object(error), 'routine') ?? '')) && codeOf(error) === '0A000';
}

interface Told {
  readonly where: Where;
  readonly said: string;
  readonly cause: { readonly cause: unknown };
}

/** Several attempts to connect (to the addresses of one name) come as one error without words. */
function saidBy(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') {
    return error.errors.map((each: unknown) => saidBy(each)).join('; ');
  }
  return error instanceof Error ? error.message : String(error);
}

function unreachable({ url }: Where, said: string, cause: { cause: unknown }): StoreUnavailableError {
  return new StoreUnavailableError(
    `the database ${url} cannot be reached (${said}); if the call was under way, it is not known whether it took ` +
      'effect. Repeat it with the same request id or claim id.',
    cause,
  );
}

/** The server has too little of something. */
function short(code: string, { where, said, cause }: Told): MillraceError {
  const { url } = where;
  if (code === '53100') {
    const advice = 'Nothing of the call was written. Make room on the disk of the server.';
    return new StoreFullError(`the disk of the database ${url} is full (${said}). ${advice}`, cause);
  }
  if (code === '53300') {
    const advice = 'Use a smaller `poolSize`, a pooler such as pgbouncer, or raise `max_connections`.';
    const message = `the server at ${url} has no connection to spare (${said}). ${advice}`;
    return new StoreUnavailableError(message, cause);
  }
  const message = `the server at ${url} is short of resources (${said}). Nothing of the call was written.`;
  return new StoreUnavailableError(message, cause);
}

/** What another attempt may well get past. */
function passing(code: string, { where: { url }, said, cause }: Told): StoreUnavailableError | null {
  switch (code) {
    case READ_ONLY:
      return new StoreUnavailableError(
        `the database ${url} takes no writes (${said}): it is a standby, or \`default_transaction_read_only\` is on. ` +
          'Nothing of the call was written. Connect to the primary.',
        cause,
      );
    case '40001':
    case '40P01':
      return new StoreUnavailableError(
        `the database ${url} gave precedence to other transactions (${said}), also when the call was repeated. ` +
          'Nothing of it was written, and it may be repeated.',
        cause,
      );
    case '55P03':
    case '57014':
    case '25P03':
    case '25P04':
      return new StoreUnavailableError(
        `the database ${url} gave up on the call (${said}). Nothing of it was written, and it may be repeated. ` +
          'Look for long transactions and for `statement_timeout` and `lock_timeout` of the role.',
        cause,
      );
    default:
      return null;
  }
}

/** What an administrator runs for a role without the right to make tables; `ROLE` stands for it. */
export function grantsFor(schema: string): readonly string[] {
  const name = quoted(schema);
  return [
    `grant usage on schema ${name} to ROLE;`,
    `grant select, insert, update, delete, truncate on all tables in schema ${name} to ROLE;`,
    `grant usage, select, update on all sequences in schema ${name} to ROLE;`,
    `grant execute on all functions in schema ${name} to ROLE;`,
  ];
}

/** As an identifier. */
export function quoted(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}

function withoutRight({ url, schema }: Where, said: string): string {
  const grants = grantsFor(schema).join(' ');
  return (
    `the role of the connection ${url} lacks a right (${said}). Let a role that may make tables run ` +
    `\`millrace migrate up\`, then grant this one what it needs: ${grants}`
  );
}

function withoutTables({ url, schema }: Where, said: string): string {
  return (
    `the database ${url} has no (complete) schema ${quoted(schema)} (${said}). ` +
    'Run `millrace migrate up` with a role that may make tables, or name the right `schema`.'
  );
}

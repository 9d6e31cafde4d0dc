import {
  EnvironmentError,
  MillraceError,
  StoreCorruptError,
  StoreFullError,
  StoreUnavailableError,
} from '../../errors.ts';
import { aclOf } from './acl.ts';

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
]);
/** The driver has no code for these. */
const CUT_OFF =
  /^(Connection is closed|Stream isn't writeable|Socket (timeout|closed)|Command aborted|Reached the max retries|Failed to refresh slots|Cluster (is|isn't)|None of startup nodes|Too many Cluster redirections|connect ETIMEDOUT|Connection is in|All sentinels|getaddrinfo)/i;

/** Said before anything of a script has run: it wrote nothing, and another attempt may well get past it. */
const REFUSED = /^(LOADING|MASTERDOWN|READONLY|CLUSTERDOWN|TRYAGAIN|BUSY|MOVED|ASK|NOREPLICAS)\b/;
const ACCESS = /^(NOAUTH|WRONGPASS|NOPERM)\b|invalid (username|password)/i;
/** Said by the first line of a script, see `script.ts`: its slot is on the way to another node, or there is no cluster now. */
const ON_THE_MOVE =
  /script attempted to (access a non local key|execute a (write )?command while the cluster is down)/i;
/** The server that answers is not the one to write to. */
const ELSEWHERE = /^(READONLY|MASTERDOWN)\b/;

export interface Where {
  /** Without password. */
  readonly url: string;
  readonly prefix: string;
  readonly spread?: 'queue' | null;
}

/** In Redis 6 what a script was told stands behind what happened to the script. */
export function saidBy(error: unknown): string {
  const said = error instanceof Error ? error.message : String(error);
  return said.replace(/^ERR Error running script.*?: -?(?=[A-Z]+ )/s, '').replace(/^-/, '');
}

export function isUnknownScript(error: unknown): boolean {
  return saidBy(error).startsWith('NOSCRIPT');
}

/** Nothing of it has run, and nothing was written. */
export function wasRefused(error: unknown): boolean {
  const said = saidBy(error);
  return REFUSED.test(said) || ON_THE_MOVE.test(said);
}

export function isElsewhere(error: unknown): boolean {
  return ELSEWHERE.test(saidBy(error));
}

/** Ours, in the words of the house; null for an error that says something about one call and not the store. */
export function toStoreError(error: unknown, where: Where): MillraceError | null {
  if (error instanceof MillraceError) return null;
  const said = saidBy(error);
  const cause = { cause: error };
  if (isCutOff(error)) return unreachable(where, said, cause);
  if (ACCESS.test(said)) return new EnvironmentError(withoutRight(where, said), cause);
  if (wasRefused(error)) {
    const message = `the Redis server ${where.url} does not take the call now (${said}). Nothing of it was written, and it may be repeated.`;
    return new StoreUnavailableError(message, cause);
  }
  return broken(said, where, cause);
}

function isCutOff(error: unknown): boolean {
  const code: unknown = Reflect.get(Object(error), 'code');
  if (typeof code === 'string' && UNREACHABLE.has(code)) return true;
  return error instanceof Error && CUT_OFF.test(error.message);
}

function unreachable({ url }: Where, said: string, cause: { cause: unknown }): StoreUnavailableError {
  return new StoreUnavailableError(
    `the Redis server ${url} cannot be reached (${said}); if the call was under way, it is not known whether it ` +
      'took effect. Repeat it with the same request id or claim id.',
    cause,
  );
}

/** The server has no room, or what is stored is not ours. */
function broken(said: string, { url, prefix }: Where, cause: { cause: unknown }): MillraceError | null {
  if (/^OOM\b/.test(said)) {
    return new StoreFullError(
      `the Redis server ${url} has used up its memory (${said}). Nothing of the call was written. Raise ` +
        '`maxmemory`, or keep finished jobs for a shorter time.',
      cause,
    );
  }
  if (/^MISCONF\b/.test(said)) {
    const advice = 'Nothing of the call was written. Make room on the disk of the server.';
    return new StoreFullError(`the Redis server ${url} cannot write to its disk (${said}). ${advice}`, cause);
  }
  if (/^WRONGTYPE\b/.test(said)) {
    return new StoreCorruptError(
      `a key that begins with "${prefix}" on the Redis server ${url} is not what this store has made of it (${said}). ` +
        'Another program may use the same names: choose another `namespace`.',
      cause,
    );
  }
  return null;
}

function withoutRight({ url, prefix, spread }: Where, said: string): string {
  // Of a queue that has a prefix of its own, that of the namespace.
  const home = prefix.replace(/\/.*$/s, '}:');
  return (
    `the Redis server ${url} refuses (${said}). Check the user and the password of the connection; the user needs ` +
    `these rights: ${aclOf(home, spread)}`
  );
}

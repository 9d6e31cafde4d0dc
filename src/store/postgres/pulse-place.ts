/** Where a thread finds the server by itself: what it needs must be data, since no function and no pool crosses to it. */

import type { PostgresPlace } from '../postgres-options.ts';

/** A password that the application's function answers goes beside it: it changes. */
export type ThreadPlace = PostgresPlace & { readonly pool: null };

/** `why`: there is no way, in words that follow "because". */
export type PulsePlace =
  | { readonly place: ThreadPlace; readonly password: (() => string | Promise<string>) | null }
  | { readonly why: string };

/** What a pool of the application says of its connections; the rest is about the pool, or cannot be said in data. */
const OF_A_CONNECTION = [
  ...[
    'connectionString',
    'host',
    'port',
    'database',
    'user',
    'password',
    'ssl',
    'application_name',
    'options',
  ],
  ...['client_encoding', 'statement_timeout', 'lock_timeout', 'sslnegotiation'],
];

/** How the thread reaches the server of this place, or why it cannot. Pure; nothing is connected. */
export function pulsePlace(place: PostgresPlace): PulsePlace {
  const { pool } = place;
  const given = pool === null ? place.client : ofPool(pool);
  if (given === null) return { why: 'the pool does not tell its options' };
  if (typeof given['stream'] === 'function') return { why: 'the pool makes its sockets by a function' };
  const { password, ssl } = given;
  const changes = typeof password === 'function';
  const data = {
    ...given,
    ...(changes && { password: undefined }),
    ...(isObject(ssl) && { ssl: whole(ssl) }),
  };
  try {
    const client = structuredClone(data);
    return {
      place: { ...place, client, pool: null, poolSize: 1, listen: false, migrate: false, durability: null },
      password: changes ? (password as () => string | Promise<string>) : null,
    };
  } catch {
    return { why: `options of the connection (${unclonable(data).join(', ')}) have functions in them` };
  }
}

function ofPool(pool: object): Record<string, unknown> | null {
  const options: unknown = Reflect.get(pool, 'options');
  if (!isObject(options)) return null;
  const names = [...OF_A_CONNECTION, 'stream'].filter((name) => Reflect.get(options, name) !== undefined);
  // Read one by one: the driver hides secrets from whoever copies or prints all of them.
  return Object.fromEntries(names.map((name) => [name, Reflect.get(options, name)]));
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

/** With the private key, which the driver hides once it has seen it. */
function whole(ssl: object): object {
  const key: unknown = Reflect.get(ssl, 'key');
  return { ...ssl, ...(key !== undefined && { key }) };
}

function unclonable(data: Readonly<Record<string, unknown>>): string[] {
  return Object.keys(data).filter((name) => {
    try {
      structuredClone(data[name]);
      return false;
    } catch {
      return true;
    }
  });
}

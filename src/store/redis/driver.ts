/**
 * What the store needs of a driver, and the only files that name one: this and `ioredis.ts`. No type of the driver
 * crosses into the rest of the house or into the published declarations.
 */

import { DriverMissingError } from '../../errors.ts';
import type { Subscriber, Subscription } from '../../listening/listener.ts';
import type { RedisPlace } from '../redis-options.ts';
import type { Arg, Reply } from './reply.ts';

/**
 * One way to the server (or to a cluster), which mends itself. A call whose answer is lost is rejected, and never sent
 * again by the driver: whether it may be repeated is known above.
 */
export interface RedisLink {
  /** Whether a call would be sent at once. */
  readonly isReady: boolean;
  /** What went wrong last on the way to the server; null when nothing has yet. */
  readonly trouble: unknown;
  /** Resolves when it is ready, or when it has failed to become so; never rejects. */
  settled(): Promise<void>;
  /** A command, sent to who has the keys of our prefix, or of the one given. */
  call(command: string, args: readonly Arg[], prefix?: string): Promise<Reply>;
  /** Of the node that has the keys of our prefix (or of the one given), on the connection on which our writes go there. */
  wait(replicas: number, timeoutMs: number, prefix?: string): Promise<number>;
  /** Connects anew: what answers is not what was asked for. */
  renew(): void;
  close(): Promise<void>;
}

export interface SubscribeParts extends Subscriber {
  readonly channel: string;
}

export interface RedisDriver {
  open(place: RedisPlace): RedisLink;
  subscribe(place: RedisPlace, link: RedisLink, parts: SubscribeParts): Promise<Subscription>;
}

const INSTALL = 'npm i ioredis';

/** @throws DriverMissingError with the line that installs it. */
export async function loadDriver(): Promise<RedisDriver> {
  try {
    const { driver } = await import('./ioredis.ts');
    return driver;
  } catch (error) {
    throw new DriverMissingError(
      `the Redis store needs the driver "ioredis", which is not installed. Install it with \`${INSTALL}\`.`,
      { cause: error },
    );
  }
}

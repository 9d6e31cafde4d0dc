import { Gateway, type Understanding } from './gateway.ts';

/** "ReadyForQuery", outside of any transaction: what was asked for is done, and committed if it wrote. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);

/** A way to a PostgreSQL: what can be lost are answers to what was committed. */
export const openPostgresGateway = (target: number): Promise<Gateway> =>
  Gateway.open(target, () => new PostgresLine());

class PostgresLine implements Understanding {
  isListening = false;
  #answers = 0;

  ask(chunk: Buffer): void {
    if (chunk.includes('listen "')) this.isListening = true;
  }

  /** The first answer of a connection is its welcome. */
  isDone(chunk: Buffer): boolean {
    if (!chunk.subarray(-READY.length).equals(READY)) return false;
    this.#answers += 1;
    return this.#answers > 1;
  }
}

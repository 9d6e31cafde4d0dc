import { Gateway, type Understanding } from './gateway.ts';

/** A way to a Redis: what can be lost are answers to scripts. */
export const openRedisGateway = (target: number): Promise<Gateway> =>
  Gateway.open(target, () => new RedisLine());

class RedisLine implements Understanding {
  isListening = false;
  /** A script was asked for, and no answer has passed since. */
  #isAsking = false;

  ask(chunk: Buffer): void {
    const words = chunk.toString('latin1').toLowerCase();
    if (words.includes('\r\nsubscribe\r\n')) this.isListening = true;
    if (words.includes('\r\nevalsha\r\n')) this.#isAsking = true;
  }

  isDone(): boolean {
    const isOfScript = this.#isAsking;
    this.#isAsking = false;
    return isOfScript;
  }
}

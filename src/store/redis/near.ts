import type { RedisLink } from './driver.ts';

/** The same connections; what has no key of its own goes to who has the keys of this prefix. Closing is not its business. */
export function near(link: RedisLink, prefix: string): RedisLink {
  return {
    get isReady() {
      return link.isReady;
    },
    get trouble() {
      return link.trouble;
    },
    settled: () => link.settled(),
    call: (command, args) => link.call(command, args, prefix),
    wait: (replicas, timeoutMs) => link.wait(replicas, timeoutMs, prefix),
    renew: () => link.renew(),
    close: async () => {},
  };
}

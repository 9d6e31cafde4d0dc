import type { LoggedClaim, LoggedGrant } from '../line.ts';
import { type Call, type Grant, keyOf } from './evidence.ts';
import { push } from './push.ts';

/** The claims of a history: each token once, and the claims of a job as one list though it changed its queue. */
export class Grants {
  readonly byToken: Map<number, Grant & { readonly calls: Call[] }> = new Map();
  readonly twins: [Grant, Grant][] = [];
  readonly firstCalls: Map<string, Call> = new Map();

  /** In the order in which calls were begun. */
  asked(claimId: string, call: Call): void {
    if (!this.firstCalls.has(claimId)) this.firstCalls.set(claimId, call);
  }

  take(grant: LoggedGrant, claim: LoggedClaim, call: Call): void {
    const known = this.byToken.get(grant.token);
    const here = { ...grant, claim, calls: [call] };
    if (known === undefined) this.byToken.set(grant.token, here);
    else if (keyOf(known) === keyOf(grant) && known.claim.claimId === claim.claimId) known.calls.push(call);
    else this.twins.push([known, here]);
  }

  lives(): Grant[][] {
    const roots = new Roots();
    for (const grant of this.byToken.values()) {
      if (grant.from !== undefined) roots.join(lifeOf(grant, grant.queue), lifeOf(grant, grant.from));
    }
    const lives = new Map<string, Grant[]>();
    for (const grant of this.byToken.values()) push(lives, roots.of(lifeOf(grant, grant.queue)), grant);
    for (const life of lives.values()) life.sort((one, other) => one.token - other.token);
    return [...lives.values()];
  }
}

/** A job that was removed and added anew has another `addedAt`. */
function lifeOf({ id, addedAt }: LoggedGrant, queue: string): string {
  return JSON.stringify([queue, id, addedAt]);
}

/** Which names mean the same. */
class Roots {
  readonly #parents = new Map<string, string>();

  of(name: string): string {
    let root = name;
    for (let next = this.#parents.get(root); next !== undefined; next = this.#parents.get(root)) root = next;
    if (root !== name) this.#parents.set(name, root);
    return root;
  }

  join(one: string, other: string): void {
    const [from, to] = [this.of(one), this.of(other)];
    if (from !== to) this.#parents.set(from, to);
  }
}

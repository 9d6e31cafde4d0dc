/** Whether this is a child that was started to run a processor. Kept where every copy of this package sees it. */

const KEY = Symbol.for('millrace.isolated-child');
const host = globalThis as typeof globalThis & { [KEY]?: true };

export function markChild(): void {
  host[KEY] = true;
}

export function isChild(): boolean {
  return host[KEY] === true;
}

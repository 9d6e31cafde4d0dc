/** Members in order, found by halving. `add` and `remove` must see the fields that `compare` reads unchanged. */
export interface Order<T> {
  readonly members: readonly T[];
  add(member: T): void;
  remove(member: T): void;
}

export type Compare<T> = (one: T, other: T) => number;

export function order<T>(compare: Compare<T>): Order<T> {
  const members: T[] = [];
  return {
    members,
    add(member) {
      members.splice(placeOf(members, member, compare), 0, member);
    },
    remove(member) {
      const place = placeOf(members, member, compare);
      if (members[place] === member) members.splice(place, 1);
    },
  };
}

/** Index of the first member that does not come before this one. */
function placeOf<T>(members: readonly T[], member: T, compare: Compare<T>): number {
  let low = 0;
  let high = members.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (compare(members[middle] as T, member) < 0) low = middle + 1;
    else high = middle;
  }
  return low;
}

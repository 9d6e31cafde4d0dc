/**
 * A map by whole numbers, for what comes and goes by the thousand in a second.
 *
 * A `Map` or `Set` in which entries come and go makes room by a new table now and then, and in V8 the old table keeps
 * pointing to the new one. The first full collection of garbage makes the table of that moment an old object, and from
 * then on, as the quick collections trust old objects, whatever was in any later table is kept until the next full one:
 * all jobs that pass through, copied twice each. The tables here know nothing of one another.
 */

/** Keys are never negative. */
const FREE = -1;
const LEAST_PLACES = 16;
/** 2^32 divided by the golden ratio, and made odd. */
const SPREAD = 0x9e37_79b1;

export class NumberMap<V> {
  /** A power of two of places, half of them free at least; an entry lies at its home, or at the next place not taken. */
  #keys: number[] = new Array<number>(LEAST_PLACES).fill(FREE);
  #values: (V | undefined)[] = new Array<V | undefined>(LEAST_PLACES).fill(undefined);
  #mask: number = LEAST_PLACES - 1;
  #size = 0;

  get size(): number {
    return this.#size;
  }

  has(key: number): boolean {
    return this.#keys[this.#placeOf(key)] === key;
  }

  get(key: number): V | undefined {
    return this.#values[this.#placeOf(key)];
  }

  set(key: number, value: V): void {
    let place = this.#placeOf(key);
    if (this.#keys[place] !== key) {
      if (++this.#size * 2 > this.#keys.length) {
        this.#grow();
        place = this.#placeOf(key);
      }
      this.#keys[place] = key;
    }
    this.#values[place] = value;
  }

  /** Answers whether it was there. */
  delete(key: number): boolean {
    const place = this.#placeOf(key);
    if (this.#keys[place] !== key) return false;
    this.#size -= 1;
    this.#close(place);
    return true;
  }

  clear(): void {
    this.#keys.fill(FREE);
    this.#values.fill(undefined);
    this.#size = 0;
  }

  /** By their keys, the lowest first: those of now, whatever becomes of the map meanwhile. */
  values(): V[] {
    const keys = this.#keys.filter((key) => key !== FREE).sort((a, b) => a - b);
    return keys.map((key) => this.get(key) as V);
  }

  /**
   * Numbers in a row, which keys mostly are, come to lie evenly apart. Left in a row they would make one long run of
   * places, and each `delete` would look through all of it.
   */
  #homeOf(key: number): number {
    return (Math.imul(key, SPREAD) >>> 8) & this.#mask;
  }

  /** Where the key is, or where it would go. */
  #placeOf(key: number): number {
    const keys = this.#keys;
    let place = this.#homeOf(key);
    while (keys[place] !== key && keys[place] !== FREE) place = (place + 1) & this.#mask;
    return place;
  }

  /** No search may end here now that would have gone on: what lies beyond its home, after the gap, moves into it. */
  #close(gap: number): void {
    const keys = this.#keys;
    let open = gap;
    for (let place = (gap + 1) & this.#mask; keys[place] !== FREE; place = (place + 1) & this.#mask) {
      const key = keys[place] as number;
      if (((place - this.#homeOf(key)) & this.#mask) < ((place - open) & this.#mask)) continue;
      keys[open] = key;
      this.#values[open] = this.#values[place];
      open = place;
    }
    keys[open] = FREE;
    this.#values[open] = undefined;
  }

  #grow(): void {
    const [keys, values] = [this.#keys, this.#values];
    const places = keys.length * 2;
    this.#keys = new Array<number>(places).fill(FREE);
    this.#values = new Array<V | undefined>(places).fill(undefined);
    this.#mask = places - 1;
    for (const [from, key] of keys.entries()) {
      if (key === FREE) continue;
      const place = this.#placeOf(key);
      this.#keys[place] = key;
      this.#values[place] = values[from];
    }
  }
}

/** A promise that somebody else settles. A rejection that nobody awaits is no unhandled one. */
export class Deferred<T = void> {
  readonly promise: Promise<T>;
  /** Only the first call of the two counts. */
  resolve!: (value: T) => void;
  reject!: (reason: unknown) => void;

  constructor() {
    this.promise = new Promise<T>((resolve, reject) => {
      this.resolve = resolve;
      this.reject = reject;
    });
    this.promise.catch(() => {});
  }
}

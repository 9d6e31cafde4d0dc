/**
 * Thrown by a processor that runs elsewhere: what it returned there is no result that can be kept, and would be
 * none the next time either. Not an error that anybody sees; `error` is.
 */
export class RefusedResult {
  readonly error: unknown;

  constructor(error: unknown) {
    this.error = error;
  }
}

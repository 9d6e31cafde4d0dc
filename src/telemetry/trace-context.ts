/** Trace context of the W3C (https://www.w3.org/TR/trace-context/) as it rides along in a job's headers. */

import type { Headers } from '../job/record.ts';

export interface TraceContext {
  readonly traceparent: string;
  readonly traceId: string;
}

/** Version, trace id, parent id, flags; versions to come may append more fields. */
const TRACEPARENT = /^(?!ff)[\da-f]{2}-(?!0{32})([\da-f]{32})-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-.*)?$/;

/** Null when there is none, or none that is well-formed: a broken header must not break the job. */
export function traceContextOf(headers: Headers): TraceContext | null {
  const traceparent = headers['traceparent'];
  if (typeof traceparent !== 'string') return null;
  const traceId = TRACEPARENT.exec(traceparent)?.[1];
  return traceId === undefined ? null : { traceparent, traceId };
}

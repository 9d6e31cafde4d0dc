import { HISTOGRAM_BOUNDS_MS } from '../../../job/histogram.ts';

/** Of the buckets by which times are counted. */
export const BOUNDS: string = `local BOUNDS = { ${HISTOGRAM_BOUNDS_MS.join(', ')} }
`;

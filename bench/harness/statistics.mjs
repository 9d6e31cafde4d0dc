/** Medians, percentiles and spreads of small series. */

const ascending = (values) => [...values].sort((one, other) => one - other);

/** The value that the given share of all values does not exceed (nearest rank). */
export function percentile(values, share) {
  const sorted = ascending(values);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

export function median(values) {
  const sorted = ascending(values);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** What the table shows of one series. */
export function summaryOf(values) {
  return { median: median(values), min: Math.min(...values), max: Math.max(...values), runs: values.length };
}

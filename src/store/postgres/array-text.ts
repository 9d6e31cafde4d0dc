/**
 * Arrays in the spelling of the server. The driver would spell them value by value, which costs more than all else that is
 * done here for a job of a large call.
 */

const SPECIAL = /["\\]/;

export function numberArray(values: readonly number[]): string {
  return `{${values.join(',')}}`;
}

export function textArray(values: readonly string[]): string {
  if (values.length === 0) return '{}';
  const isPlain = !SPECIAL.test(values.join(''));
  const spelled = isPlain ? values : values.map((value) => value.replace(/["\\]/g, '\\$&'));
  return `{"${spelled.join('","')}"}`;
}

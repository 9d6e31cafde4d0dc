/** The processor, in a file of its own: counts the primes below `data.below`, which takes all of a processor core. */

function isPrime(number) {
  for (let divisor = 2; divisor * divisor <= number; divisor += 1) if (number % divisor === 0) return false;
  return number > 1;
}

export default async function primes(job, ctx) {
  const { below } = job.data;
  // Whatever happens in here happens to this job alone.
  if (below === 13) process.exit(13);
  let count = 0;
  for (let number = 0; number < below; number += 1) {
    if (isPrime(number)) count += 1;
    if (number % 50_000 === 0) {
      await ctx.progress(Math.round((100 * number) / below));
      ctx.signal.throwIfAborted();
    }
  }
  return { below, count };
}

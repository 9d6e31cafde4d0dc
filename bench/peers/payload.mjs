/** What every job carries, the same for all: some hundred bytes of JSON, as an application's jobs have. */

const TEXT = 'the quick brown fox jumps over the lazy dog, twice a day';

export const payload = (number) => ({ number, to: 'ada@example.com', text: TEXT });

/** How each is set up, as the report says it. Apart from the peers themselves, which only their own process can load. */

export const SETTINGS = {
  millrace:
    'as it comes: a SQLite file, WAL, `synchronous=FULL` (an acknowledged job is on disk), default retention (10,000 completed jobs are kept)',
  bullmq:
    'ioredis to a Redis of its own on the loopback, without persistence (`save ""`, `appendonly no`: an acknowledged job is in memory), no eviction; `removeOnComplete: { count: 10_000 }` to keep as many finished jobs as Millrace; everything else as it comes. Auto-pipelining of ioredis was tried and is not faster',
  bunqueue:
    'embedded, on Bun, a SQLite file with its write buffer as it comes (the last 10 ms of what it acknowledged may be lost, `synchronous=NORMAL`); `batchSize` as large as the concurrency. It knows no retention by number: all finished jobs stay',
  sqlite:
    'no queue: one table, one index, statements in batches of 500, WAL, `synchronous=FULL`. It checks nothing, keeps nothing and never leaves its thread: a limit, not a contestant',
};

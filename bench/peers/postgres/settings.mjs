/** How each is set up, as the report says it. */

export const SETTINGS = {
  millrace: 'as it comes: default pool, default retention (10,000 completed jobs are kept)',
  graphile:
    'as it comes, a pool of 10, prepared statements; a job counts when the statement that deletes it is answered',
  'graphile-best':
    'the mode that its makers publish figures of: `localQueue: { size: 500 }`, `completeJobBatchDelay: 0`, `failJobBatchDelay: 0`; else as above. A job counts when the batch that deletes it is answered',
  pgboss:
    '`useListenNotify` and `notify`, `burstWhenBatchFull`, batches of 100 worked on at the concurrency that is named, polling every 0.5 s besides; a job counts when the statement that completes its batch is answered. For the sizes `deleteAfterSeconds: 5` with upkeep every few seconds, because as it comes it keeps everything for a week',
  bullmq:
    'the PostgreSQL backend that it brings, as it comes: all finished jobs are kept. With `removeOnComplete` it is several times slower',
};

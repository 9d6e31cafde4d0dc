/** How each is set up, as the report says it. */

export const SETTINGS = {
  millrace: 'as it comes: default retention (10,000 completed jobs are kept)',
  bullmq:
    'as it comes, `removeOnComplete: { count: 10_000 }` to keep as many finished jobs as Millrace. Auto-pipelining of ioredis was tried and is not faster',
};

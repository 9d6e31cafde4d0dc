import { addCases } from './add.ts';
import { addManyCases } from './add-many.ts';
import { atMostOnceCases } from './at-most-once.ts';
import { attemptsCases } from './attempts.ts';
import { auditCases } from './audit.ts';
import { bytesCases } from './bytes.ts';
import { cancelCases } from './cancel.ts';
import { claimCases } from './claim.ts';
import { closeCases } from './close.ts';
import { countsAndStatsCases } from './counts-and-stats.ts';
import { deadLetterCases } from './dead-letter.ts';
import { drainObliterateCases } from './drain-obliterate.ts';
import { expireCases } from './expire.ts';
import { feedCases } from './feed.ts';
import { findCases } from './find.ts';
import { idempotenceCases } from './idempotence.ts';
import { injectionCases } from './injection.ts';
import { leaderCases } from './leader.ts';
import { leaseCases } from './lease.ts';
import { limitsCases } from './limits.ts';
import { operationsCases } from './operations.ts';
import { orderCases } from './order.ts';
import { progressLogDataCases } from './progress-log-data.ts';
import { quarantineCases } from './quarantine.ts';
import { queueSettingsCases } from './queue-settings.ts';
import { reclaimCases } from './reclaim.ts';
import { redriveCases } from './redrive.ts';
import { releaseCases } from './release.ts';
import { rescheduleCases } from './reschedule.ts';
import { retentionCases } from './retention.ts';
import { retryCases } from './retry.ts';
import type { Topic } from './scene.ts';
import { sessionsCases } from './sessions.ts';
import { settleCases } from './settle.ts';
import { timeoutCases } from './timeout.ts';
import { togetherCases } from './together.ts';
import { verifyDumpCases } from './verify-dump.ts';
import { watchCases } from './watch.ts';

/** The whole contract, in the order of a job's life. */
export const TOPICS: Readonly<Record<string, Topic>> = {
  add: addCases,
  'add many': addManyCases,
  claim: claimCases,
  order: orderCases,
  lease: leaseCases,
  settle: settleCases,
  together: togetherCases,
  retry: retryCases,
  release: releaseCases,
  'dead letter': deadLetterCases,
  redrive: redriveCases,
  reclaim: reclaimCases,
  quarantine: quarantineCases,
  timeout: timeoutCases,
  expire: expireCases,
  cancel: cancelCases,
  'progress, log and data': progressLogDataCases,
  attempts: attemptsCases,
  'reschedule, promote, prioritize': rescheduleCases,
  'queue settings': queueSettingsCases,
  'drain and obliterate': drainObliterateCases,
  retention: retentionCases,
  'at most once': atMostOnceCases,
  sessions: sessionsCases,
  leader: leaderCases,
  operations: operationsCases,
  find: findCases,
  'counts and stats': countsAndStatsCases,
  feed: feedCases,
  watch: watchCases,
  idempotence: idempotenceCases,
  audit: auditCases,
  limits: limitsCases,
  injection: injectionCases,
  bytes: bytesCases,
  'verify and dump': verifyDumpCases,
  close: closeCases,
};

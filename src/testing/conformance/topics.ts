import { addCases } from './add.ts';
import { addManyCases } from './add-many.ts';
import { attemptsCases } from './attempts.ts';
import { cancelCases } from './cancel.ts';
import { claimCases } from './claim.ts';
import { deadLetterCases } from './dead-letter.ts';
import { drainObliterateCases } from './drain-obliterate.ts';
import { expireCases } from './expire.ts';
import { leaseCases } from './lease.ts';
import { orderCases } from './order.ts';
import { progressLogDataCases } from './progress-log-data.ts';
import { queueSettingsCases } from './queue-settings.ts';
import { reclaimCases } from './reclaim.ts';
import { redriveCases } from './redrive.ts';
import { releaseCases } from './release.ts';
import { rescheduleCases } from './reschedule.ts';
import { retryCases } from './retry.ts';
import type { Topic } from './scene.ts';
import { settleCases } from './settle.ts';
import { timeoutCases } from './timeout.ts';

/** The whole contract, in the order of a job's life. */
export const TOPICS: Readonly<Record<string, Topic>> = {
  add: addCases,
  'add many': addManyCases,
  claim: claimCases,
  order: orderCases,
  lease: leaseCases,
  settle: settleCases,
  retry: retryCases,
  release: releaseCases,
  'dead letter': deadLetterCases,
  redrive: redriveCases,
  reclaim: reclaimCases,
  timeout: timeoutCases,
  expire: expireCases,
  cancel: cancelCases,
  'progress, log and data': progressLogDataCases,
  attempts: attemptsCases,
  'reschedule, promote, prioritize': rescheduleCases,
  'queue settings': queueSettingsCases,
  'drain and obliterate': drainObliterateCases,
};

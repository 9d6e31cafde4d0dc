import { remembering, textOfPolicy } from '../../job/policy-text.ts';
import type { Headers, JobPolicy } from '../../job/record.ts';
import type { NewJob } from '../store.ts';

/** What a job's content type is when nothing is said of it. */
export const USUAL_TYPE = 'application/json';

export const LIFO = 1;
/** Priority, delay, or one of the policy's times that scripts look at. */
export const SPECIAL = 2;
/** Content type, policy or headers are not the usual ones, and stand before the body. */
export const META = 4;
/** Bytes of the numbers of a special job. */
export const SPECIAL_BYTES = 34;
export const META_BYTES = 8;

const policyText = remembering<JobPolicy>(textOfPolicy);
const headersText = remembering<Headers>((headers) => JSON.stringify(headers));

/**
 * The fixed part of a job as `lua/record.ts` reads it, but for the seven bytes that the script puts in front (the time, and
 * whether it stands in the list). Three bytes (flags, lengths of id and name less one), special numbers, texts, body.
 */
export function packJob(job: NewJob): Buffer {
  const texts = [job.id, job.name, job.policy.deadLetterQueue ?? ''];
  const sizes = texts.map((text) => Buffer.byteLength(text));
  const meta = metaOf(job);
  const special = isSpecial(job) ? SPECIAL_BYTES : 0;
  const [idBytes = 0, nameBytes = 0, targetBytes = 0] = sizes;
  const textBytes = idBytes + nameBytes + targetBytes;
  const packed = Buffer.allocUnsafe(3 + special + textBytes + meta.byteLength + job.body.byteLength);
  packed[0] = (job.lifo ? LIFO : 0) + (special > 0 ? SPECIAL : 0) + (meta.byteLength > 0 ? META : 0);
  packed[1] = idBytes - 1;
  packed[2] = nameBytes - 1;
  if (special > 0) putSpecial(packed, job, targetBytes);
  packed.write(texts.join(''), 3 + special);
  packed.set(meta, 3 + special + textBytes);
  packed.set(job.body, packed.byteLength - job.body.byteLength);
  return packed;
}

function isSpecial({ priority, delayMs, policy }: NewJob): boolean {
  const { ttlMs, timeoutMs, keepCompletedMs, keepFailedMs, deadLetterQueue } = policy;
  if (priority !== 0 || delayMs !== 0 || deadLetterQueue !== null) return true;
  return ttlMs !== null || timeoutMs !== null || keepCompletedMs !== null || keepFailedMs !== null;
}

function putSpecial(packed: Buffer, { priority, delayMs, policy }: NewJob, targetBytes: number): void {
  packed.writeUIntBE(priority, 3, 3);
  packed.writeUIntBE(delayMs, 6, 6);
  const times = [policy.ttlMs, policy.timeoutMs, policy.keepCompletedMs, policy.keepFailedMs];
  for (const [index, ms] of times.entries()) packed.writeUIntBE(ms === null ? 0 : ms + 1, 12 + 6 * index, 6);
  packed[36] = targetBytes;
}

const NOTHING = Buffer.alloc(0);

function metaOf({ contentType, policy, headers }: NewJob): Buffer {
  const policyPart = policyText(policy);
  const headersPart = headersText(headers);
  if (contentType === USUAL_TYPE && policyPart === '{}' && headersPart === '{}') return NOTHING;
  const texts = Buffer.from(contentType + policyPart + headersPart);
  const meta = Buffer.allocUnsafe(META_BYTES + texts.byteLength);
  meta.writeUInt16BE(Buffer.byteLength(contentType), 0);
  meta.writeUIntBE(Buffer.byteLength(policyPart), 2, 3);
  meta.writeUIntBE(Buffer.byteLength(headersPart), 5, 3);
  meta.set(texts, META_BYTES);
  return meta;
}

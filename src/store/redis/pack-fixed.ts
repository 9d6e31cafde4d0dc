import { DEFAULTS } from '../../job/options.ts';
import { DAMAGED_TYPE } from '../../job/payload.ts';
import { headersOfText, policyOfText } from '../../job/policy-text.ts';
import type { Bytes, Headers, JobPolicy } from '../../job/record.ts';
import { LIFO, META, META_BYTES, SPECIAL, SPECIAL_BYTES, USUAL_TYPE } from './pack-job.ts';

/** What is said of a job once, when it is added. */
export interface Fixed {
  readonly id: string;
  readonly name: string;
  readonly addedAt: number;
  readonly lifo: boolean;
  readonly priority: number;
  readonly delayMs: number;
  readonly contentType: string;
  readonly policy: JobPolicy;
  readonly headers: Headers;
  readonly body: Bytes;
}

/** Time, place in the list, flags, length of id and of name. */
const HEAD_BYTES = 10;

/** Reads what `packJob` has made and the script has put its head before. */
export function fixedOf(bytes: Buffer): Fixed {
  const flags = bytes[7] ?? 0;
  const isSpecial = (flags & SPECIAL) !== 0;
  const idAt = HEAD_BYTES + (isSpecial ? SPECIAL_BYTES : 0);
  const nameAt = idAt + (bytes[8] ?? 0) + 1;
  const targetAt = nameAt + (bytes[9] ?? 0) + 1;
  const metaAt = targetAt + (isSpecial ? (bytes[HEAD_BYTES + 33] ?? 0) : 0);
  return {
    id: bytes.toString('utf8', idAt, nameAt),
    name: bytes.toString('utf8', nameAt, targetAt),
    addedAt: bytes.readUIntBE(0, 6),
    lifo: (flags & LIFO) !== 0,
    priority: isSpecial ? bytes.readUIntBE(HEAD_BYTES, 3) : 0,
    delayMs: isSpecial ? bytes.readUIntBE(HEAD_BYTES + 3, 6) : 0,
    ...((flags & META) === 0 ? usual(bytes, metaAt) : described(bytes, metaAt)),
  };
}

type Described = Pick<Fixed, 'contentType' | 'policy' | 'headers' | 'body'>;

function usual(bytes: Buffer, at: number): Described {
  return withTexts(bytes, at, { contentType: USUAL_TYPE, policy: '{}', headers: '{}' });
}

function described(bytes: Buffer, at: number): Described {
  const typeAt = at + META_BYTES;
  const policyAt = typeAt + bytes.readUInt16BE(at);
  const headersAt = policyAt + bytes.readUIntBE(at + 2, 3);
  const bodyAt = headersAt + bytes.readUIntBE(at + 5, 3);
  return withTexts(bytes, bodyAt, {
    contentType: bytes.toString('utf8', typeAt, policyAt),
    policy: bytes.toString('utf8', policyAt, headersAt),
    headers: bytes.toString('utf8', headersAt, bodyAt),
  });
}

/** A damaged job can be read, and says so by its content type. */
function withTexts(
  bytes: Buffer,
  bodyAt: number,
  texts: { contentType: string; policy: string; headers: string },
): Described {
  const policy = policyOfText(texts.policy);
  const headers = headersOfText(texts.headers);
  return {
    contentType: policy === null || headers === null ? DAMAGED_TYPE : texts.contentType,
    policy: policy ?? DEFAULTS.policy,
    headers: headers ?? {},
    body: new Uint8Array(bytes.subarray(bodyAt)),
  };
}

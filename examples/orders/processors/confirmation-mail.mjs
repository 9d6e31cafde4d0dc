/** Queue `confirmation-mails`: writes the mail as an .eml file into the outbox, where a mail server would take it. */

import { join } from 'node:path';
import { inEuros, totalOf } from '../money.mjs';
import { writeOnce } from '../write-once.mjs';

export function confirmationMail(outbox) {
  return async (job) => {
    const order = job.data;
    const file = `${order.order}.eml`;
    await writeOnce(join(outbox, file), mailFor(order));
    return { file };
  };
}

/** A header is plain ASCII: all else travels as RFC 2047 encoded words, a few characters each so that lines stay short. */
function encoded(text) {
  if (/^[\w !#$%&'*+/=?^`{|}~-]*$/.test(text)) return text;
  const words = [...text].reduce((chunks, char) => {
    const last = chunks.at(-1);
    if (last !== undefined && Buffer.byteLength(last + char) <= 42) chunks[chunks.length - 1] = last + char;
    else chunks.push(char);
    return chunks;
  }, []);
  return words.map((word) => `=?UTF-8?B?${Buffer.from(word).toString('base64')}?=`).join('\r\n ');
}

/** Control characters would let a name of two lines add a header of its own. */
const oneLine = (text) => text.replace(/\p{Cc}+/gu, ' ');

function bodyFor(order) {
  const lines = order.items.map((item) => `  ${item.quantity} × ${item.name ?? item.sku}`);
  return [
    `Dear ${oneLine(order.customer.name)},`,
    '',
    `thank you for your order ${order.order}:`,
    '',
    ...lines,
    '',
    `Total: ${inEuros(totalOf(order))}. The invoice follows as a file of its own.`,
    '',
    'Your mill shop',
    '',
  ].join('\r\n');
}

function mailFor(order) {
  return [
    'From: Mill Shop <shop@example.com>',
    `To: ${encoded(oneLine(order.customer.name))} <${order.customer.email}>`,
    `Subject: ${encoded(`Your order ${order.order}`)}`,
    `Date: ${new Date(order.placedAt).toUTCString().replace('GMT', '+0000')}`,
    `Message-ID: <${order.order}@mill-shop.example.com>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: base64',
    '',
    Buffer.from(bodyFor(order)).toString('base64').replace(/.{76}/g, '$&\r\n'),
    '',
  ].join('\r\n');
}

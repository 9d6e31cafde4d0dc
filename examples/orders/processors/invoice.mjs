/** Queue `invoices`: makes the invoice, a PDF of one page or as many as the order needs. */

import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { PDFDocument, rgb, StandardFonts } from 'pdf-lib';
import { inEuros, totalOf } from '../money.mjs';
import { writeOnce } from '../write-once.mjs';

export function invoice(folder) {
  return async (job) => {
    const file = `${job.data.order}.pdf`;
    const path = join(folder, file);
    // Cheaper than making it again only to find that it is there.
    if (await isThere(path)) return { file };
    await writeOnce(path, await pdfFor(job.data));
    return { file };
  };
}

const isThere = (path) =>
  access(path).then(
    () => true,
    () => false,
  );

const UNACCENTED = { ı: 'i', İ: 'I', ł: 'l', Ł: 'L', đ: 'd', Đ: 'D', ş: 's', Ş: 'S', ğ: 'g', Ğ: 'G' };

/** The fonts that every PDF reader brings know Western European letters; others lose their accents, no more. */
function printable(text, font) {
  const known = new Set(font.getCharacterSet());
  return [...text]
    .map((char) =>
      known.has(char.codePointAt(0))
        ? char
        : (UNACCENTED[char] ?? char.normalize('NFKD').replace(/\p{M}/gu, '')),
    )
    .map((char) => ([...char].every((part) => known.has(part.codePointAt(0))) ? char : '?'))
    .join('');
}

const A4 = [595.28, 841.89];
const MARGIN = 56;
const LINE = 16;

/** A cursor that writes lines down the page and starts a new page at its end. */
function paper(document, fonts) {
  let page = document.addPage(A4);
  let y = A4[1] - MARGIN;
  return {
    line(text, { x = MARGIN, size = 10, bold = false, right = false, stay = false } = {}) {
      const font = bold ? fonts.bold : fonts.plain;
      const shown = printable(text, font);
      page.drawText(shown, { x: right ? x - font.widthOfTextAtSize(shown, size) : x, y, size, font });
      if (!stay) this.skip(LINE);
    },
    skip(height) {
      y -= height;
      if (y > MARGIN) return;
      page = document.addPage(A4);
      y = A4[1] - MARGIN;
    },
    rule() {
      const ends = { start: { x: MARGIN, y: y + 10 }, end: { x: A4[0] - MARGIN, y: y + 10 } };
      page.drawLine({ ...ends, thickness: 0.5, color: rgb(0.4, 0.4, 0.4) });
    },
  };
}

function writeInvoice(sheet, order) {
  const edge = A4[0] - MARGIN;
  const { name, latinName } = order.customer;
  const { street, postcode, city, country } = order.address;
  sheet.line('Mill Shop', { size: 18, bold: true });
  sheet.skip(24);
  for (const line of [latinName ?? name, street, `${postcode ?? ''} ${city ?? ''}`, country ?? ''])
    sheet.line(line);
  sheet.skip(24);
  sheet.line(`Invoice ${order.order}`, { size: 14, bold: true });
  sheet.line(`Date ${order.placedAt.slice(0, 10)}`);
  sheet.skip(12);
  sheet.rule();
  for (const item of order.items) {
    sheet.line(`${item.quantity} x ${item.name ?? item.sku}`.slice(0, 70), { stay: true });
    sheet.line(inEuros(item.quantity * item.cents), { x: edge, right: true });
  }
  sheet.rule();
  sheet.line('Total', { bold: true, stay: true });
  sheet.line(inEuros(totalOf(order)), { x: edge, right: true, bold: true });
}

/** Same order, same bytes: the dates are the order's, not the clock's. */
async function pdfFor(order) {
  const document = await PDFDocument.create();
  const fonts = {
    plain: await document.embedFont(StandardFonts.Helvetica),
    bold: await document.embedFont(StandardFonts.HelveticaBold),
  };
  const placed = new Date(order.placedAt);
  document.setTitle(`Invoice ${order.order}`);
  document.setSubject(order.customer.name);
  document.setCreationDate(placed);
  document.setModificationDate(placed);
  writeInvoice(paper(document, fonts), order);
  return document.save();
}

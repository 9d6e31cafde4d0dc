/** Reads a file of orders, one JSON object a line, without ever holding more than a line of it. */

import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';

/** An order number names files and jobs, so it is kept to what is safe in both. */
const ORDER_NUMBER = /^[A-Za-z0-9][A-Za-z0-9-]{0,39}$/;

const isText = (value) => typeof value === 'string' && value.trim() !== '';
const isCount = (value) => Number.isInteger(value) && value > 0;

function itemProblem(item, index) {
  if (!isText(item?.sku)) return `items[${index}].sku is missing`;
  if (!isCount(item.quantity)) return `items[${index}].quantity must be a whole number from 1`;
  return Number.isInteger(item.cents) && item.cents >= 0
    ? null
    : `items[${index}].cents must be a whole number`;
}

/** What is wrong with an order, or null. */
function problemOf(order) {
  if (typeof order !== 'object' || order === null || Array.isArray(order)) return 'not an object';
  if (!isText(order.order) || !ORDER_NUMBER.test(order.order))
    return 'order must be a number such as MR-100001';
  if (!isText(order.customer?.name)) return 'customer.name is missing';
  if (!/^[^\s@<>]+@[^\s@<>]+$/.test(order.customer.email ?? '')) return 'customer.email is no address';
  if (!isText(order.address?.street)) return 'address.street is missing';
  if (Number.isNaN(Date.parse(order.placedAt))) return 'placedAt is no date';
  if (!Array.isArray(order.items) || order.items.length === 0) return 'items is empty';
  return order.items.map(itemProblem).find((problem) => problem !== null) ?? null;
}

function parse(text) {
  try {
    const order = JSON.parse(text);
    return { order, problem: problemOf(order) };
  } catch (error) {
    return { order: null, problem: error.message };
  }
}

/** Yields `{ line, order, problem }` for every line that is not empty; `problem` is null when the order is good. */
export async function* readOrders(file) {
  const lines = createInterface({
    input: createReadStream(file, 'utf8'),
    crlfDelay: Number.POSITIVE_INFINITY,
  });
  let line = 0;
  for await (const text of lines) {
    line += 1;
    if (text.trim() !== '') yield { line, ...parse(text) };
  }
}

/**
 * Queue `warehouse`: tells the warehouse over HTTP what to ship. The warehouse fails now and then: it is busy, slow, or
 * hangs up. Those are worth a retry, with longer and longer waits; what it refuses (4xx) is not.
 */

import { request } from 'node:http';
import { UnrecoverableError } from 'millrace';

const PATIENCE_MS = 1_000;

export function notifyWarehouse(url) {
  return async (job, ctx) => {
    const { order, customer, address, items } = job.data;
    const shipment = { order, name: customer.latinName ?? customer.name, address, items };
    // The signal fires when the worker closes, the job is cancelled or its lease is lost: then nobody waits for this.
    const signal = AbortSignal.any([ctx.signal, AbortSignal.timeout(PATIENCE_MS)]);
    const { status, text } = await post(url, shipment, signal);
    if (status < 300) return { status };
    const message = `the warehouse answered ${status}: ${text}`;
    throw status < 500 ? new UnrecoverableError(message) : new Error(message);
  };
}

/** The order's number makes a repeated call harmless: the warehouse ships an order once. */
function post(url, shipment, signal) {
  return new Promise((resolve, reject) => {
    const headers = { 'content-type': 'application/json', 'idempotency-key': shipment.order };
    const call = request(`${url}/shipments`, { method: 'POST', headers, signal }, (answer) => {
      let text = '';
      answer.setEncoding('utf8');
      answer.on('data', (chunk) => (text += chunk));
      answer.on('end', () => resolve({ status: answer.statusCode, text: text.slice(0, 200) }));
      answer.on('error', reject);
    });
    call.on('error', reject);
    call.end(JSON.stringify(shipment));
  });
}

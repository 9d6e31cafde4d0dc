/** Queue `stock`: books what the order takes out of the stock, exactly once (see stock-book.mjs). */

import { UnrecoverableError } from 'millrace';
import { UnknownProductError } from '../stock-book.mjs';

export function bookStock(stockBook) {
  return async (job) => {
    const order = job.data;
    try {
      return { booked: stockBook.book(order.order, order.items, order.placedAt) };
    } catch (error) {
      // No retry makes a product appear: straight to the dead letters, where a person finds it.
      if (error instanceof UnknownProductError) throw new UnrecoverableError(error.message, { cause: error });
      throw error;
    }
  };
}

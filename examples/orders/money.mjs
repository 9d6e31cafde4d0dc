export const totalOf = (order) => order.items.reduce((sum, item) => sum + item.quantity * item.cents, 0);

export const inEuros = (cents) => `EUR ${(cents / 100).toFixed(2)}`;

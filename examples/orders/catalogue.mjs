/** What the shop sells: the opening stock, and what the order generator draws from. Prices are cents. */

export const catalogue = [
  { sku: 'BAG-FELT', name: 'Felt shoulder bag', cents: 5900, onHand: 900 },
  { sku: 'BOWL-ASH', name: 'Ash wood bowl', cents: 3450, onHand: 1200 },
  { sku: 'CANDLE-3', name: 'Beeswax candles, three', cents: 1490, onHand: 4000 },
  { sku: 'CHAIR-01', name: 'Kitchen chair, oiled oak', cents: 18900, onHand: 250 },
  { sku: 'COFFEE-1K', name: 'Coffee, whole beans, 1 kg', cents: 2390, onHand: 6000 },
  { sku: 'GRINDER', name: 'Hand coffee grinder', cents: 7950, onHand: 700 },
  { sku: 'KETTLE', name: 'Gooseneck kettle', cents: 6900, onHand: 600 },
  { sku: 'LAMP-BRS', name: 'Brass desk lamp', cents: 12900, onHand: 300 },
  { sku: 'LINEN-2', name: 'Linen tea towels, two', cents: 1990, onHand: 3000 },
  { sku: 'MUG-BLUE', name: 'Stoneware mug, blue', cents: 1650, onHand: 5000 },
  { sku: 'MUG-SAND', name: 'Stoneware mug, sand', cents: 1650, onHand: 5000 },
  { sku: 'NOTE-A5', name: 'Notebook A5, dotted', cents: 1190, onHand: 5000 },
  { sku: 'PLANT-FIG', name: 'Fiddle-leaf fig', cents: 4900, onHand: 350 },
  { sku: 'RUG-WOOL', name: 'Wool rug 80 × 150', cents: 23900, onHand: 150 },
  { sku: 'SOAP-4', name: 'Olive oil soap, four', cents: 1590, onHand: 4000 },
  { sku: 'THROW', name: 'Merino throw', cents: 9900, onHand: 400 },
];

/** `npm start`: installs, builds and runs the order-processing example. Arguments go on to the example. */

import { build } from './build.mjs';
import { install } from './install.mjs';
import { say } from './run.mjs';

try {
  await install();
  await build();
} catch (error) {
  say(error.message);
  process.exit(1);
}
const { main } = await import('../examples/orders/main.mjs');
process.exitCode = await main(process.argv.slice(2));

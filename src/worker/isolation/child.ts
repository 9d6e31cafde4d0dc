/** Entry of a child: loads the processor, and runs one job after the other with it, as its parent says. */

import { openPort } from './child-port.ts';
import { ChildRuns } from './child-runs.ts';
import { markChild } from './in-child.ts';
import { loadProcessor } from './load-processor.ts';

markChild();
const port = openPort();
const loaded = await loadProcessor(port.start.file);
if (typeof loaded === 'function') {
  const runs = new ChildRuns(port, loaded);
  port.listen((message) => runs.hear(message));
  port.send({ kind: 'ready' });
} else {
  port.listen((message) => {
    if (message.kind === 'end') process.exit(0);
  });
  port.send({ kind: 'unloadable', ...loaded });
}

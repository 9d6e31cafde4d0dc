/** The engine on the application's own thread. It answers before `send` returns. */

import { Engine, type EngineOptions, type Reply } from './engine.ts';
import type { Link, Port } from './engine-link.ts';
import type { Request } from './engine-thread.ts';
import { plainAnswer } from './grant.ts';
import { MEMORY } from './place.ts';
import type { VerbName } from './verbs.ts';

export function inlineEngine(options: EngineOptions, port: Port): Link {
  const engine = new Engine(options);
  return {
    send: (request) => {
      if (request.kind === 'call') {
        const { replies, hints } = engine.run([request.call]);
        for (const reply of replies) port.answered(reply.id, plainReply(reply, request.call.verb));
        if (hints.length > 0) port.told(hints);
        if (options.path !== MEMORY) {
          engine.catchUp();
          engine.tidy();
        }
      } else if (request.kind === 'ask') answerInline(engine, request, port);
      else if (request.kind === 'watch') engine.watch(request.on ? () => port.told(null) : null);
    },
    hold: () => undefined,
    close: async () => engine.close(),
  };
}

function plainReply(reply: Reply, verb: VerbName): Reply {
  return 'error' in reply ? reply : { id: reply.id, value: plainAnswer(verb, reply.value) };
}

function answerInline(engine: Engine, { id, what }: Request & { kind: 'ask' }, port: Port): void {
  try {
    port.answered(id, { value: what === 'doctor' ? engine.doctor() : engine.durability() });
  } catch (error) {
    port.answered(id, { error });
  }
}

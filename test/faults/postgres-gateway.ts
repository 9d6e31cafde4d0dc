/** A way to a server on which answers can be lost after they were given, or on which all goes silent. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** "ReadyForQuery", outside of any transaction: what was asked for is done, and committed if it wrote. */
const READY = Buffer.from([0x5a, 0, 0, 0, 5, 0x49]);
interface Line {
  readonly client: Socket;
  readonly server: Socket;
  /** Nothing passes any more, and nobody is told. */
  isSilent: boolean;
  isListening: boolean;
  answers: number;
}

export class Gateway {
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  /** Where new connections lead to. */
  target: number;
  /** Asked when the server has done what was asked of it, and says so. */
  isCut: () => boolean = () => false;
  cuts = 0;
  /** Who sends this goes silent instead. */
  unsaid: string | null = null;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.target = target;
    server.on('connection', (client) => this.#take(client));
  }

  static async open(target: number): Promise<Gateway> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Gateway(server, target);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Connections on which nothing passes any more. */
  get silent(): number {
    return [...this.#lines].filter(({ isSilent }) => isSilent).length;
  }

  /** The same place by this way. */
  through(url: string): string {
    const to = new URL(url);
    to.port = String(this.port);
    return to.href;
  }

  /** Connections that listen for news and hear them. */
  get listening(): number {
    return [...this.#lines].filter(({ isListening, isSilent }) => isListening && !isSilent).length;
  }

  /** As a firewall does that forgets: open on both sides, and nothing passes. */
  silence(): number {
    for (const line of this.#lines) line.isSilent = true;
    return this.#lines.size;
  }

  disconnect(): void {
    for (const { client, server } of this.#lines) {
      client.destroy();
      server.destroy();
    }
  }

  async close(): Promise<void> {
    this.disconnect();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #take(client: Socket): void {
    const server = connect(this.target, '127.0.0.1');
    const line: Line = { client, server, isSilent: false, isListening: false, answers: 0 };
    this.#lines.add(line);
    const end = (): void => {
      // Who went silent says no farewell either.
      if (line.isSilent) return;
      client.destroy();
      server.destroy();
      this.#lines.delete(line);
    };
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
    client.on('data', (chunk: Buffer) => {
      if (chunk.includes('listen "')) line.isListening = true;
      if (this.unsaid !== null && chunk.includes(this.unsaid)) line.isSilent = true;
      if (!line.isSilent) server.write(chunk);
    });
    server.on('data', (chunk: Buffer) => this.#answer(line, chunk));
  }

  /** The first answer of a connection is its welcome. */
  #answer(line: Line, chunk: Buffer): void {
    if (line.isSilent) return;
    const isDone = chunk.subarray(-READY.length).equals(READY);
    if (isDone) line.answers += 1;
    if (!isDone || line.answers === 1 || !this.isCut()) {
      line.client.write(chunk);
      return;
    }
    this.cuts += 1;
    line.client.destroy();
    line.server.destroy();
  }
}

/** A way to a Redis on which answers to scripts can be lost after they were given, or on which all goes silent. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

interface Line {
  readonly client: Socket;
  readonly server: Socket;
  /** Nothing passes any more, and nobody is told. */
  isSilent: boolean;
  isListening: boolean;
  /** A script was asked for, and no answer has passed since. */
  isAsking: boolean;
}

export class RedisGateway {
  readonly #server: Server;
  readonly #lines = new Set<Line>();
  /** Where new connections lead to. */
  target: number;
  /** Asked when an answer to a script is about to pass. */
  isCut: () => boolean = () => false;
  cuts = 0;

  private constructor(server: Server, target: number) {
    this.#server = server;
    this.target = target;
    server.on('connection', (client) => this.#take(client));
  }

  static async open(target: number): Promise<RedisGateway> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new RedisGateway(server, target);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
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

  /** As a firewall does that forgets: open on both sides, and nothing passes. New connections pass. */
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
    const line: Line = { client, server, isSilent: false, isListening: false, isAsking: false };
    this.#lines.add(line);
    const end = (): void => {
      // Who went silent says no farewell either.
      if (line.isSilent) return;
      client.destroy();
      server.destroy();
      this.#lines.delete(line);
    };
    for (const socket of [client, server]) socket.on('error', end).on('close', end);
    client.on('data', (chunk: Buffer) => this.#ask(line, chunk));
    server.on('data', (chunk: Buffer) => this.#answer(line, chunk));
  }

  #ask(line: Line, chunk: Buffer): void {
    const words = chunk.toString('latin1').toLowerCase();
    if (words.includes('\r\nsubscribe\r\n')) line.isListening = true;
    if (words.includes('\r\nevalsha\r\n')) line.isAsking = true;
    if (!line.isSilent) line.server.write(chunk);
  }

  #answer(line: Line, chunk: Buffer): void {
    if (line.isSilent) return;
    const isOfScript = line.isAsking;
    line.isAsking = false;
    if (!isOfScript || !this.isCut()) {
      line.client.write(chunk);
      return;
    }
    this.cuts += 1;
    line.client.destroy();
    line.server.destroy();
  }
}

/** A way to a server on which answers can be lost after they were given, or on which all goes silent. */

import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What is understood of one connection. */
export interface Understanding {
  /** Told of all that the client asks. */
  ask(chunk: Buffer): void;
  /** It has asked to be told news. */
  readonly isListening: boolean;
  /** The server has done what was asked of it, and says so. */
  isDone(chunk: Buffer): boolean;
}

interface Line {
  readonly client: Socket;
  readonly server: Socket;
  readonly understanding: Understanding;
  /** Nothing passes any more, and nobody is told. */
  isSilent: boolean;
}

export class Gateway {
  readonly #server: Server;
  readonly #understand: () => Understanding;
  readonly #lines = new Set<Line>();
  /** Where new connections lead to. */
  target: number;
  /** Asked when the server has done what was asked of it, and says so. */
  isCut: () => boolean = () => false;
  cuts = 0;
  /** Who sends this goes silent instead. */
  unsaid: string | null = null;

  private constructor(server: Server, target: number, understand: () => Understanding) {
    this.#server = server;
    this.#understand = understand;
    this.target = target;
    server.on('connection', (client) => this.#take(client));
  }

  static async open(target: number, understand: () => Understanding): Promise<Gateway> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return new Gateway(server, target, understand);
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
    const hears = ({ isSilent, understanding }: Line): boolean => understanding.isListening && !isSilent;
    return [...this.#lines].filter(hears).length;
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
    const line: Line = { client, server, understanding: this.#understand(), isSilent: false };
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
    line.understanding.ask(chunk);
    if (this.unsaid !== null && chunk.includes(this.unsaid)) line.isSilent = true;
    if (!line.isSilent) line.server.write(chunk);
  }

  #answer(line: Line, chunk: Buffer): void {
    if (line.isSilent) return;
    if (!line.understanding.isDone(chunk) || !this.isCut()) {
      line.client.write(chunk);
      return;
    }
    this.cuts += 1;
    line.client.destroy();
    line.server.destroy();
  }
}

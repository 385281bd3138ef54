import { existsSync, readdirSync } from 'node:fs';
import type { Socket } from 'node:net';
import path from 'node:path';
import { createInterface } from 'node:readline';
import type { Attachable } from '../task/container';

/** What a second command asks a running rehearsal, a line of JSON each. */
export type Question =
  | { readonly ask: 'about' }
  | {
      readonly ask: 'run';
      readonly words: readonly string[];
      /** Whose environment it gets. @default - the release's */
      readonly service?: string;
      /** Type of the terminal, where it is one. */
      readonly terminal?: string;
    };

/** Who answers. */
export interface About {
  readonly stack: string;
  /** Where it was started. */
  readonly folder: string;
  readonly pid: number;
  readonly url?: string;
}

/** What is answered. */
export type Reply =
  | { readonly about: About }
  | { readonly program: Attachable; readonly id: string }
  | { readonly error: string };

/** In the folder of a run: where it listens. Nobody else can enter. */
export const FOLDER = 'control';
export const SOCKET = 'socket';

/** Sockets of the rehearsals of a cache, also of those that have ended badly. */
export function socketsOf(cache: string): string[] {
  const runs = path.join(cache, 'runs');
  return (existsSync(runs) ? readdirSync(runs) : [])
    .map((run) => path.join(runs, run, FOLDER, SOCKET))
    .filter((socket) => existsSync(socket));
}

export function send(socket: Socket, message: Question | Reply): void {
  socket.write(`${JSON.stringify(message)}\n`);
}

/** Calls back with each message of the other side; hangs up on one that says something else. */
export function receive<T>(socket: Socket, take: (message: T) => void): void {
  createInterface({ input: socket }).on('line', (line) => {
    const message = parsed<T>(line);
    if (message === undefined) {
      socket.destroy();
    } else {
      take(message);
    }
  });
}

function parsed<T>(line: string): T | undefined {
  try {
    const message: unknown = JSON.parse(line);
    return typeof message === 'object' && message !== null ? (message as T) : undefined;
  } catch {
    return undefined;
  }
}

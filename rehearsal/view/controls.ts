import type { Journal } from './journal';

/** A task of a service, for a person who looks. */
export interface TaskStatus {
  /** `web/1`. */
  readonly id: string;
  readonly state: 'starting' | 'healthy' | 'unhealthy' | 'leaving';
  /** Requests that the load balancer has passed on to it. @default - it is behind none */
  readonly requests?: number;
}

export interface ServiceStatus {
  readonly name: string;
  readonly desired: number;
  /** Tasks that were lost and replaced. */
  readonly replaced: number;
  readonly tasks: readonly TaskStatus[];
}

export interface QueueStatus {
  readonly name: string;
  readonly waiting: number;
  readonly inWork: number;
  /** What waits in its dead-letter queue. @default - it has none */
  readonly dead?: number;
}

/** What a rehearsal does right now. */
export interface Status {
  readonly services: readonly ServiceStatus[];
  readonly queues: readonly QueueStatus[];
}

/**
 * A running rehearsal, for a person at a terminal: what it does, and what can be done to it.
 *
 * Each command gives what happened in a sentence, and throws an error with the reason when nothing did.
 */
export interface Controls {
  /** Stack and address. */
  readonly title: string;
  /** What each process writes, and the rehearsal itself. */
  readonly journal: Journal;
  /** Folder with the whole log of each process. */
  readonly logs: string;
  /** Names of schedules that can be triggered. */
  readonly schedules: readonly string[];
  /** Names of secrets that can be rotated. */
  readonly secrets: readonly string[];
  status(): Promise<Status>;
  /** Replaces a task, or each task of a service, as a deployment does. */
  restart(name: string): Promise<string>;
  /** Ends a task with SIGKILL; its service replaces it. */
  kill(task: string): Promise<string>;
  /** Runs a line of shell in a one-off task, with the environment of a service or of the release. */
  run(line: string, service?: string): Promise<string>;
  trigger(schedule: string): Promise<string>;
  rotate(secret: string): Promise<string>;
  /** Releases and rolls every service, with what changed since the start. */
  deploy(): Promise<string>;
  /** The command that opens psql on the application's database. */
  psql(): Promise<string>;
}

import { chmodSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { secretName } from '../aws/secret-strings';
import { databaseLogin, databaseVariables } from '../checks/database-login';
import type { Rehearsal } from '../rehearsal';
import { drain } from '../task/draining';
import { lastError } from '../task/last-error';
import { howEnded, Task } from '../task/process';
import type { Member, Service } from '../task/services';
import type { TaskDefinition } from '../template/task-definition';
import type { Turns } from '../wait';
import type { Controls, QueueStatus, ServiceStatus, Status, TaskStatus } from './controls';
import { deploy } from './deploy';
import type { Journal } from './journal';

/** Who lost a task that was killed from the view. */
const BY_HAND = 'a person at the terminal';

/** When something may roll services. */
export interface Rolling {
  /** One at a time. */
  readonly turns: Turns;
  /** Aborted once the rehearsal ends: nothing is deployed from then on. */
  readonly ending: AbortSignal;
}

/** What a person at a terminal sees of a rehearsal, and does to it. */
export class RehearsalControls implements Controls {
  readonly logs: string;
  private readonly followed = new Set<Task>();

  constructor(
    private readonly rehearsal: Rehearsal,
    readonly journal: Journal,
    readonly title: string,
    private readonly rolling: Rolling,
  ) {
    this.logs = rehearsal.sandbox.folder('logs');
  }

  get schedules(): string[] {
    return this.rehearsal.scheduler.schedules.map(({ id }) => id);
  }

  get secrets(): string[] {
    return this.rehearsal.rotation.schedules.map(({ secret }) => secretName(secret));
  }

  async status(): Promise<Status> {
    this.follow();
    return { services: this.rehearsal.services.map(serviceStatus), queues: await this.queues() };
  }

  /** A second one waits for the first: two at once would roll each other's tasks. */
  restart(name: string): Promise<string> {
    return this.rolling.turns.take(() => this.replaceTasks(name));
  }

  private async replaceTasks(name: string): Promise<string> {
    const service = this.rehearsal.services.find((one) => one.name === name);
    if (service !== undefined) {
      await service.redeploy();
      return `every task of ${name} is replaced`;
    }
    const { of, member } = this.member(name);
    if (of.surges) {
      await of.replace(member);
    } else {
      // As a deployment of such a service does: the old task leaves before the new one starts.
      member.leaving = true;
      await drain(member.task, member.registration);
      await of.untilSteady();
    }
    return `${name} is replaced`;
  }

  async kill(name: string): Promise<string> {
    const { member, of } = this.member(name);
    member.task.disturbedBy = BY_HAND;
    member.task.kill();
    await member.task.exited;
    return `${name} is killed; ${of.name} starts another`;
  }

  async run(line: string, service?: string): Promise<string> {
    const definition = this.definition(service);
    const task = await this.rehearsal.run(oneOff(definition, ['/bin/sh', '-c', line]), 'one-off');
    this.follow();
    return ended(task, line);
  }

  async trigger(id: string): Promise<string> {
    const { scheduler } = this.rehearsal;
    const schedule = found(scheduler.schedules, id);
    const { task } = await scheduler.trigger(schedule);
    return ended(task, id);
  }

  rotate(secret: string): Promise<string> {
    return this.rolling.turns.take(() => this.rotateSecret(secret));
  }

  private async rotateSecret(name: string): Promise<string> {
    const { rotation } = this.rehearsal;
    const schedule = rotation.schedules.find(({ secret }) => secretName(secret) === name);
    if (schedule === undefined) {
      throw new Error(`there is no ${name}`);
    }
    await rotation.rotate(schedule);
    const services = await rotation.refresh(schedule.secret, async () => undefined);
    const names = services.map((service) => service.name).join(', ');
    return `${name} rotated; ${names === '' ? 'no service reads it' : `replaced: ${names}`}`;
  }

  deploy(): Promise<string> {
    const { turns, ending } = this.rolling;
    return turns.take(() => deploy(this.rehearsal, ending));
  }

  async psql(): Promise<string> {
    const { rehearsal } = this;
    const definition = [...rehearsal.definitions.values()].find(({ secrets }) => databaseVariables(secrets));
    if (rehearsal.postgres === undefined || definition === undefined) {
      throw new Error('the template has no database whose secret a process is given');
    }
    const login = await databaseLogin(rehearsal, definition);
    const file = path.join(rehearsal.sandbox.directory, 'psql');
    const { certFile } = rehearsal.authority.certificate;
    // The password is in a file of yours alone, and in no list of processes.
    const lines = [
      '[app]',
      ...[`host=${login.host}`, `port=${login.port}`, `dbname=${login.database}`],
      ...[`user=${login.user}`, `password=${login.password}`, 'sslmode=verify-full', `sslrootcert=${certFile}`],
    ];
    writeFileSync(file, `${lines.join('\n')}\n`, { mode: 0o600 });
    chmodSync(file, 0o600);
    const relative = path.relative(process.cwd(), file);
    return `PGSERVICEFILE=${relative.startsWith('..') ? file : relative} psql service=app`;
  }

  /** The definition that a command gets its environment from: of a service, or of the release. */
  definition(service?: string): TaskDefinition {
    const { services, definitions } = this.rehearsal;
    if (service !== undefined) {
      return named(services, service).definition;
    }
    const release = [...definitions.values()].find(({ kind }) => kind === 'release');
    const definition = release ?? services[0]?.definition;
    if (definition === undefined) {
      throw new Error('the stack has neither a release nor a service whose environment a command could have');
    }
    return definition;
  }

  /** Listens to tasks that have started since. */
  private follow(): void {
    const { services, tasks, secrets } = this.rehearsal;
    const members = services.flatMap((service) => service.members.map(({ task }) => task));
    for (const task of [...members, ...tasks].filter((one) => !this.followed.has(one))) {
      this.followed.add(task);
      const add = (line: string) => this.journal.add(task.id, secrets.mask(line));
      task.logs.last().forEach(add);
      task.logs.onLine(add);
    }
  }

  private member(name: string): { of: Service; member: Member } {
    for (const of of this.rehearsal.services) {
      const member = of.running.find(({ task }) => task.id === name);
      if (member !== undefined) {
        return { of, member };
      }
    }
    throw new Error(`${name} does not run any more`);
  }

  private async queues(): Promise<QueueStatus[]> {
    const { queues, doubles } = this.rehearsal;
    const all = [...queues.values()];
    const depths = new Map(
      await Promise.all(all.map(async ({ arn, url }) => [arn, await doubles.depth(url)] as const)),
    );
    const redriven = new Set(all.map(({ deadLetterArn }) => deadLetterArn));
    return all
      .filter(({ arn }) => !redriven.has(arn))
      .map(({ name, arn, deadLetterArn = '' }) => {
        const { visible, inFlight } = depths.get(arn) ?? { visible: 0, inFlight: 0 };
        return { name, waiting: visible, inWork: inFlight, dead: depths.get(deadLetterArn)?.visible };
      });
  }
}

/** A task that runs once what a person typed, with everything else of a definition. */
export function oneOff(definition: TaskDefinition, command: readonly string[]): TaskDefinition {
  return { ...definition, command: [...command], isTyped: true, healthCheck: undefined };
}

function serviceStatus({ name, desiredCount, losses, members, group }: Service): ServiceStatus {
  // By number: tasks that start together are ready in any order.
  const sorted = [...members].sort((one, other) => numberOf(one) - numberOf(other));
  const tasks = sorted.map((member) => taskStatus(member, group !== undefined));
  return { name, desired: desiredCount, replaced: losses.length, tasks };
}

const numberOf = ({ task }: Member) => Number(task.id.split('/').pop());

function taskStatus(member: Member, isBalanced: boolean): TaskStatus {
  const { task, registration, leaving } = member;
  const requests = isBalanced ? (registration?.target.requests ?? 0) : undefined;
  return { id: task.id, state: leaving ? 'leaving' : healthOf(member, isBalanced), requests };
}

function healthOf({ task, registration }: Member, isBalanced: boolean): TaskStatus['state'] {
  const target = registration?.target.health.state;
  if (task.health === 'UNHEALTHY' || target === 'unhealthy') {
    return 'unhealthy';
  }
  const isProbed = task.definition.healthCheck === undefined || task.health === 'HEALTHY';
  return isProbed && (!isBalanced || target === 'healthy') ? 'healthy' : 'starting';
}

async function ended(task: Task, what: string): Promise<string> {
  const exit = await task.exited;
  if (!Task.isClean(exit)) {
    throw new Error(`${task.id} ended with ${howEnded(exit)}: ${lastError(task)}`);
  }
  return `${task.id} ended with 0: ${what}`;
}

function found<T extends { readonly id: string }>(all: readonly T[], id: string): T {
  const one = all.find((each) => each.id === id);
  if (one === undefined) {
    throw new Error(`there is no ${id}`);
  }
  return one;
}

/** A service by its name; throws an error that lists those that there are. */
export function named(services: readonly Service[], name: string): Service {
  const service = services.find((one) => one.name === name);
  if (service === undefined) {
    const names = services.map((one) => one.name).join(', ');
    throw new Error(`there is no service ${name}. There are: ${names}.`);
  }
  return service;
}

import { randomUUID } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import path from 'node:path';
import type { Announce } from '../announce';
import type { Certificate } from '../edge/certificates';
import type { Sandbox } from '../task/sandbox';
import type { Service } from '../task/services';
import type { Assembly } from '../template/assembly';
import { matchesEvent } from '../template/event-pattern';
import type { Intrinsics } from '../template/intrinsics';
import type { Doubles } from './doubles';
import { invoke, type LambdaFunction, lambdaFunction } from './lambda';
import type { SecretStore } from './secrets';

/** An AWS::SecretsManager::RotationSchedule. */
export interface RotationSchedule {
  readonly id: string;
  /** ARN of its secret. */
  readonly secret: string;
  readonly handler: LambdaFunction;
}

export interface RotationProps {
  readonly assembly: Assembly;
  readonly intrinsics: Intrinsics;
  readonly sandbox: Sandbox;
  readonly doubles: Doubles;
  readonly secrets: SecretStore;
  readonly services: readonly Service[];
  readonly ca: Certificate;
  readonly region: string;
  readonly announce: Announce;
}

const STEPS = ['createSecret', 'setSecret', 'testSecret', 'finishSecret'];
/**
 * Rotates secrets with the stack's own functions, and replaces the tasks that the stack's refresh would
 * replace.
 */
export class Rotation {
  readonly schedules: RotationSchedule[];
  private readonly leaving: Promise<void>[] = [];

  constructor(private readonly props: RotationProps) {
    const { assembly, intrinsics } = props;
    this.schedules = intrinsics.created('AWS::SecretsManager::RotationSchedule').map(({ id, resource }) => ({
      id,
      secret: String(intrinsics.properties(resource).SecretId),
      handler: lambdaFunction(assembly, intrinsics, resource.Properties?.RotationLambdaARN),
    }));
  }

  of(secret: string | undefined): RotationSchedule | undefined {
    return this.schedules.find((schedule) => schedule.secret === secret);
  }

  /**
   * Calls the function of a schedule as Secrets Manager does: four steps for a new version without a value.
   */
  async rotate({ id, secret, handler }: RotationSchedule): Promise<void> {
    const { doubles, sandbox, secrets, announce } = this.props;
    announce.substitution(
      'rotation: the rehearsal starts it, and calls the function of the stack in place of Secrets Manager',
    );
    announce.event(`rotation ${id}: ${STEPS.join(', ')}`);
    const token = randomUUID();
    await doubles.startRotation(secret, token);
    const events = STEPS.map((Step) => ({ Step, SecretId: secret, ClientRequestToken: token }));
    const said = await invoke({ ...this.props, handler, events, seconds: 60 });
    appendFileSync(path.join(sandbox.folder('logs'), `${handler.id}.log`), said);
    secrets.remember(await secrets.read(secret));
  }

  /** Calls the function of a schedule with what the clocks of the template send to it; gives how often. */
  async clock({ handler }: RotationSchedule): Promise<number> {
    const { intrinsics } = this.props;
    const isHandler = ({ Arn }: { Arn?: { 'Fn::GetAtt'?: string[] } }) => Arn?.['Fn::GetAtt']?.[0] === handler.id;
    const events = intrinsics
      .created('AWS::Events::Rule')
      .filter(({ resource }) => resource.Properties?.ScheduleExpression !== undefined)
      .flatMap(({ resource }) => (resource.Properties?.Targets ?? []).filter(isHandler))
      .map(({ Input = '{}' }) => JSON.parse(String(Input)));
    if (events.length > 0) {
      await invoke({ ...this.props, handler, events, seconds: 60 });
    }
    return events.length;
  }

  /**
   * Services that the stack replaces when a secret has a new value.
   *
   * They are read from the template: event rule, queue, function, and the function's list of services.
   */
  refreshes(secret: string): Service[] {
    const { assembly, intrinsics, services } = this.props;
    const event = {
      source: 'aws.secretsmanager',
      'detail-type': 'Secret Label Updated',
      resources: [secret],
      detail: { labelUpdated: 'AWSCURRENT' },
    };
    const queues = intrinsics
      .created('AWS::Events::Rule')
      .map(({ resource }) => intrinsics.properties(resource))
      .filter(({ EventPattern }) => EventPattern !== undefined && matchesEvent(EventPattern, event))
      .flatMap(({ Targets = [] }) => Targets.map(({ Arn }: { Arn: string }) => Arn));
    const names = intrinsics
      .created('AWS::Lambda::EventSourceMapping')
      .filter(({ resource }) => queues.includes(intrinsics.properties(resource).EventSourceArn))
      .map(({ resource }) => lambdaFunction(assembly, intrinsics, resource.Properties?.FunctionName))
      .flatMap(({ environment }) => JSON.parse(environment.SERVICES ?? '[]') as Group[])
      .filter((group) => group.secrets.includes(secret))
      .flatMap((group) => group.services);
    return services.filter(({ id }) => names.includes(id));
  }

  /**
   * Rolls every service that uses a secret, all at once.
   *
   * Where requests come, old and new tasks serve side by side until `sideBySide` is done; it is given the ids
   * of the old tasks. A worker's task leaves as soon as its successor is ready, and takes its time: `gone`
   * waits for it.
   */
  async refresh(secret: string, sideBySide: (old: ReadonlySet<string>) => Promise<void>): Promise<Service[]> {
    const services = this.refreshes(secret);
    const { announce } = this.props;
    announce.substitution(
      'refresh: the rehearsal rolls the services that the event rule and its function name, at once; there is no ECS to ask',
    );
    announce.event(`refresh: ${services.map(({ name }) => name).join(', ')}`);
    const meets = ({ surges, group }: Service) => surges && group !== undefined;
    const others = services.filter((service) => !meets(service));
    await Promise.all([...others.map((service) => this.relieve(service)), roll(services.filter(meets), sideBySide)]);
    return services;
  }

  /** Ends when the old tasks of every refresh so far have ended. */
  async gone(): Promise<void> {
    await Promise.all(this.leaving);
  }

  private async relieve(service: Service): Promise<void> {
    if (!service.surges) {
      await service.redeploy();
      return;
    }
    const old = await service.surge();
    this.leaving.push(service.retireAll(old));
  }
}

async function roll(services: Service[], sideBySide: (old: ReadonlySet<string>) => Promise<void>): Promise<void> {
  const rolled = await Promise.all(services.map(async (service) => ({ service, old: await service.surge() })));
  await sideBySide(new Set(rolled.flatMap(({ old }) => old.map(({ task }) => task.id))));
  await Promise.all(rolled.map(({ service, old }) => service.retireAll(old)));
}

/** One entry of the refresh function's SERVICES. */
interface Group {
  readonly services: string[];
  readonly secrets: string[];
}

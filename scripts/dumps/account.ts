import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { propsOf } from '../../rehearsal/dumps/checks';
import type { DumpTask } from '../../rehearsal/dumps/dump-task';
import { type DumpRun, runDump } from '../../rehearsal/dumps/run-dump';
import type { PostgresServer } from '../../rehearsal/postgres/postgres';
import type { Rehearsal } from '../../rehearsal/rehearsal';
import { resourcesOfType } from '../../rehearsal/template/assembly';
import { isPaper } from '../../rehearsal/template/intrinsics';
import type { Actions, Json } from './aws-door';

/** What a rehearsal lacks to be the account that the commands of a runbook meet: RDS, ECS and scaling. */
export class Account {
  /** Instances of RDS by their identifiers: real servers. */
  readonly instances = new Map<string, PostgresServer>();
  /** Data of servers by the identifiers of snapshots. */
  readonly snapshots = new Map<string, string>();
  /** Tasks that were started by hand, by their ARNs. */
  readonly tasks = new Map<string, { run: Promise<DumpRun>; task: DumpTask }>();
  /** Fewest and most tasks of each scalable target, by its resource id. */
  readonly capacity = new Map<string, [number, number]>();
  /** A copy of the database's data, and its log since. */
  base?: string;
  private readonly stopping = new Map<string, Promise<void>>();
  private hasStarted = true;

  constructor(
    private current: Rehearsal,
    /** Folder of the cloud assembly. */
    private readonly directory: string,
  ) {
    this.instances.set(this.idOf('AWS::RDS::DBInstance'), current.postgres as PostgresServer);
    for (const { resource } of resourcesOfType(current.props.assembly.template, SCALABLE)) {
      const { ResourceId, MinCapacity, MaxCapacity } = current.intrinsics.properties(resource);
      this.capacity.set(`service/${this.cluster}/${ResourceId.split('/').pop()}`, [MinCapacity, MaxCapacity]);
    }
  }

  /** The stack as it is after a deployment: its services have as many tasks as they had, none. */
  deployed(rehearsal: Rehearsal, identifier: string): void {
    this.current = rehearsal;
    this.instances.set(identifier, rehearsal.postgres as PostgresServer);
    this.hasStarted = false;
  }

  /** What the commands of a runbook ask for. */
  get actions(): Actions {
    return {
      'cloudformation.ListStackResources': ({ StackName }) => ({ StackResourceSummaries: this.resources(StackName) }),
      'cloudformation.DescribeStacks': () => ({ Stacks: [{ StackName: STACK, Outputs: this.outputs() }] }),
      'rds.DescribeDBInstances': ({ DBInstanceIdentifier: id }) => ({ DBInstances: [this.instance(id)] }),
      'rds.RestoreDBInstanceToPointInTime': (input) => this.restore(input),
      'rds.CreateDBSnapshot': (input) => this.snapshot(input),
      'rds.DescribeDBSnapshots': ({ DBSnapshotIdentifier: id }) => {
        if (!this.snapshots.has(id)) {
          throw new Error(`there is no snapshot ${id}`);
        }
        return { DBSnapshots: [{ DBSnapshotIdentifier: id, Status: 'available' }] };
      },
      'application-autoscaling.DescribeScalableTargets': () => ({
        ScalableTargets: [...this.capacity].map(([ResourceId, [MinCapacity, MaxCapacity]]) => ({
          ...{ ResourceId, MinCapacity, MaxCapacity, ServiceNamespace: 'ecs', CreationTime: 0 },
          ...{ ScalableDimension: 'ecs:service:DesiredCount', RoleARN: 'arn:aws:iam::123456789012:role/scaling' },
        })),
      }),
      'application-autoscaling.RegisterScalableTarget': ({ ResourceId, MinCapacity, MaxCapacity }) => {
        this.capacity.set(ResourceId, [MinCapacity, MaxCapacity]);
        return {};
      },
      'ecs.ListServices': () => ({ serviceArns: this.current.services.map(({ id }) => this.arnOf(id)) }),
      'ecs.UpdateService': (input) => this.updateService(input),
      'ecs.DescribeServices': ({ services }) => this.describeServices(services),
      'ecs.RunTask': (input) => this.runTask(input),
      'ecs.DescribeTasks': ({ tasks }) => this.describeTasks(tasks),
      'scheduler.GetSchedule': () => ({ Target: { EcsParameters: { NetworkConfiguration: NETWORK } } }),
    };
  }

  private get cluster(): string {
    return this.idOf('AWS::ECS::Cluster');
  }

  private arnOf(service: string): string {
    return `arn:aws:ecs:eu-central-1:123456789012:service/${this.cluster}/${service}`;
  }

  /** As CloudFormation lists them: those of a nested stack are in that one alone. */
  private resources(stack: string): Json[] {
    const own = this.templateOf(join(this.directory, `${STACK}.template.json`));
    const { files } = this.current.props.assembly;
    const nested = Object.entries<Json>(own.Resources).map(([id, { Type, Properties }]) => {
      const [, hash = ''] = /([0-9a-f]{64})\.json/.exec(JSON.stringify(Properties?.TemplateURL ?? '')) ?? [];
      return { id: this.physical(id), file: Type === 'AWS::CloudFormation::Stack' ? files.get(hash) : undefined };
    });
    const file = nested.find(({ id }) => id === stack)?.file;
    const { Resources } = stack === STACK ? own : this.templateOf(file ?? stack);
    return Object.entries<Json>(Resources).map(([id, { Type }]) => ({
      LogicalResourceId: id,
      ResourceType: Type,
      PhysicalResourceId: this.physical(id),
      ResourceStatus: 'CREATE_COMPLETE',
    }));
  }

  private templateOf(file: string): Json {
    return JSON.parse(readFileSync(file, 'utf8'));
  }

  private physical(id: string): string {
    const found = String(this.current.intrinsics.resolve({ Ref: id }));
    return isPaper(found) ? id : found;
  }

  private idOf(type: string): string {
    return this.physical(resourcesOfType(this.current.props.assembly.template, type)[0].id);
  }

  private outputs(): Json[] {
    const { Outputs = {} } = this.current.props.assembly.template;
    return Object.entries(Outputs).map(([OutputKey, { Value }]) => ({
      OutputKey,
      OutputValue: String(this.current.intrinsics.resolve(Value)),
    }));
  }

  private instance(id: string): Json {
    if (!this.instances.has(id)) {
      throw new Error(`there is no instance ${id}`);
    }
    return {
      DBInstanceIdentifier: id,
      DBInstanceStatus: 'available',
      DBSubnetGroup: { DBSubnetGroupName: 'subnets' },
      VpcSecurityGroups: [{ VpcSecurityGroupId: 'sg-1' }],
      DBParameterGroups: [{ DBParameterGroupName: 'parameters' }],
    };
  }

  private async restore(input: Json): Promise<Json> {
    const source = this.instances.get(input.SourceDBInstanceIdentifier);
    const id = input.TargetDBInstanceIdentifier;
    const given = [
      input.DBSubnetGroupName,
      input['VpcSecurityGroupIds.VpcSecurityGroupId.1'],
      input.DBParameterGroupName,
    ];
    if (source === undefined || this.base === undefined || this.instances.has(id)) {
      throw new Error(`${input.SourceDBInstanceIdentifier} cannot be restored into ${id}`);
    }
    if (given.join() !== 'subnets,sg-1,parameters' || input.PubliclyAccessible !== 'false') {
      throw new Error(`the restored instance stands elsewhere: ${JSON.stringify(input)}`);
    }
    this.instances.set(id, await source.atTime(this.base, input.RestoreTime, id));
    return { DBInstance: { DBInstanceIdentifier: id, DBInstanceStatus: 'creating' } };
  }

  private async snapshot({ DBInstanceIdentifier, DBSnapshotIdentifier: id }: Json): Promise<Json> {
    const server = this.instances.get(DBInstanceIdentifier);
    if (this.stopping.size > 0) {
      throw new Error(`a snapshot before ${[...this.stopping.keys()].join()} has stopped lacks what it still writes`);
    }
    if (server === undefined || this.snapshots.has(id)) {
      throw new Error(`no snapshot ${id} can be made of ${DBInstanceIdentifier}`);
    }
    this.snapshots.set(id, await server.snapshot(`snapshot-${id}`));
    return { DBSnapshot: { DBSnapshotIdentifier: id, Status: 'creating' } };
  }

  private async updateService({ service, desiredCount }: Json): Promise<Json> {
    const found = this.current.services.find(({ id }) => this.arnOf(id) === service);
    if (found === undefined) {
      throw new Error(`there is no service ${service}`);
    }
    if (desiredCount === 0) {
      const stop = found.stop().finally(() => this.stopping.delete(service));
      this.stopping.set(service, stop);
    } else if (!this.hasStarted) {
      this.hasStarted = true;
      await this.current.start();
    }
    return { service: { serviceArn: service, desiredCount } };
  }

  /** Answers when the tasks of a service that stops have ended. */
  private async describeServices(arns: string[]): Promise<Json> {
    await Promise.all(arns.map((arn) => this.stopping.get(arn)));
    const stable = { status: 'ACTIVE', runningCount: 0, desiredCount: 0, deployments: [{ status: 'PRIMARY' }] };
    return { services: arns.map((serviceArn) => ({ serviceArn, ...stable })), failures: [] };
  }

  private async runTask({ taskDefinition, overrides = {}, networkConfiguration }: Json): Promise<Json> {
    const { dumps, drills, restores } = this.current;
    const task = [...dumps, ...drills, ...restores].find(({ id }) => id === taskDefinition);
    if (task === undefined || networkConfiguration?.awsvpcConfiguration?.subnets?.[0] !== 'subnet-1') {
      throw new Error(`no task of ${taskDefinition} runs in ${JSON.stringify(networkConfiguration)}`);
    }
    const environment = Object.fromEntries(
      (overrides.containerOverrides ?? []).map(({ name, environment: list }: Json) => [
        name,
        Object.fromEntries(list.map((each: Json) => [each.name, each.value])),
      ]),
    );
    const taskArn = `arn:aws:ecs:eu-central-1:123456789012:task/${this.cluster}/${this.tasks.size + 1}`;
    const run = propsOf(this.current, task).then((props) => runDump({ ...props, environment }));
    run.catch(() => undefined); // Whoever describes the task is told.
    this.tasks.set(taskArn, { run, task });
    return { tasks: [{ taskArn, lastStatus: 'PROVISIONING' }], failures: [] };
  }

  private async describeTasks([arn]: string[]): Promise<Json> {
    const started = this.tasks.get(arn);
    if (started === undefined) {
      throw new Error(`there is no task ${arn}`);
    }
    const { exitCodes } = await started.run;
    const containers = started.task.containers.map(({ name }) => ({ name, exitCode: exitCodes.get(name) }));
    return { tasks: [{ taskArn: arn, lastStatus: 'STOPPED', containers }], failures: [] };
  }
}

/** Name of the stack. */
export const STACK = 'Guestbook';
const SCALABLE = 'AWS::ApplicationAutoScaling::ScalableTarget';
const NETWORK = {
  awsvpcConfiguration: { Subnets: ['subnet-1'], SecurityGroups: ['sg-2'], AssignPublicIp: 'DISABLED' },
};

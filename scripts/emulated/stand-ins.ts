import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { DescribeTasksCommand, ListClustersCommand, ListTasksCommand, StopTaskCommand } from '@aws-sdk/client-ecs';
import { type DBInstance, DescribeDBInstancesCommand } from '@aws-sdk/client-rds';
import { GetSecretValueCommand, ListSecretsCommand } from '@aws-sdk/client-secrets-manager';
import type { Announce } from '../../rehearsal/announce';
import { PostgresServer } from '../../rehearsal/postgres/postgres';
import { postgresBinaries } from '../../rehearsal/postgres/postgres-binaries';
import type { Sandbox } from '../../rehearsal/task/sandbox';
import { sleep } from '../../rehearsal/wait';
import type { Aws } from './aws';
import type { Emulator } from './emulator';

/** A task of a release that was started, as ECS describes it. */
export interface ReleaseTask {
  readonly arn: string;
  readonly taskDefinition: string;
  readonly startedBy: string;
}

/** What serves an RDS instance. */
export interface Database {
  readonly instance: DBInstance;
  readonly server: PostgresServer;
}

export interface StandInsProps {
  readonly aws: Aws;
  readonly emulator: Emulator;
  readonly sandbox: Sandbox;
  readonly announce: Announce;
}

/**
 * What the emulator has no engine for: a real PostgreSQL server behind each RDS instance, and the end of each
 * release task.
 *
 * A release runs no command here: `npm start` runs it for real. What runs is the custom resource around it.
 */
export class StandIns {
  readonly databases = new Map<string, Database>();
  readonly releases: ReleaseTask[] = [];
  private over = false;
  /** A server that did not come up leaves its folder to nobody. */
  private attempts = 0;
  private readonly loop: Promise<void>;
  private failure?: Error;

  constructor(private readonly props: StandInsProps) {
    this.loop = this.watch();
  }

  async close(): Promise<void> {
    this.over = true;
    await this.loop;
    if (this.failure !== undefined) {
      throw this.failure;
    }
  }

  private async watch(): Promise<void> {
    while (!this.over) {
      try {
        await this.serveInstances();
        await this.endReleases();
        this.failure = undefined;
      } catch (error) {
        // The next look may find what was half made; what stays wrong is told at the end.
        this.failure = error as Error;
      }
      await sleep(250);
    }
  }

  private async serveInstances(): Promise<void> {
    const { DBInstances = [] } = await this.props.aws.rds.send(new DescribeDBInstancesCommand({}));
    for (const instance of DBInstances) {
      const id = String(instance.DbiResourceId);
      const password = this.databases.has(id) ? undefined : await this.masterPassword(instance);
      if (password !== undefined) {
        this.databases.set(id, await this.serve(instance, password));
      }
    }
  }

  /** The secret that was attached to the instance knows its endpoint and its master. */
  private async masterPassword({ Endpoint, MasterUsername }: DBInstance): Promise<string | undefined> {
    const { secrets } = this.props.aws;
    const { SecretList = [] } = await secrets.send(new ListSecretsCommand({ MaxResults: 100 }));
    for (const { ARN: SecretId } of SecretList) {
      const { SecretString = '' } = await secrets.send(new GetSecretValueCommand({ SecretId }));
      const { host, username, password } = SecretString.startsWith('{') ? JSON.parse(SecretString) : {};
      if (host === Endpoint?.Address && username === MasterUsername) {
        return password;
      }
    }
    return undefined;
  }

  private async serve(instance: DBInstance, password: string): Promise<Database> {
    const { emulator, sandbox, announce } = this.props;
    const major = Number.parseInt(String(instance.EngineVersion), 10);
    const server = await PostgresServer.start({
      sandbox,
      folder: `pg${this.attempts++}`,
      binaries: postgresBinaries(path.join(__dirname, '..', '..', '.cache', 'rehearsal'), major, announce),
      certificate: emulator.server,
      announce,
      parameters: {},
    });
    await server.createDatabase(String(instance.DBName), String(instance.MasterUsername), password);
    const known = JSON.parse(readFileSync(emulator.databases, 'utf8'));
    const name = `${instance.Endpoint?.Address}:${instance.Endpoint?.Port}`;
    const next = `${emulator.databases}.next`;
    writeFileSync(next, JSON.stringify({ ...known, [name]: server.port }));
    renameSync(next, emulator.databases); // A function may be reading it.
    announce.substitution('a real PostgreSQL server on this machine stands behind the endpoint of RDS');
    return { instance, server };
  }

  private async endReleases(): Promise<void> {
    const { aws, announce } = this.props;
    const { clusterArns = [] } = await aws.ecs.send(new ListClustersCommand({}));
    for (const cluster of clusterArns) {
      const { taskArns = [] } = await aws.ecs.send(new ListTasksCommand({ cluster }));
      const described =
        taskArns.length === 0
          ? []
          : ((await aws.ecs.send(new DescribeTasksCommand({ cluster, tasks: taskArns }))).tasks ?? []);
      for (const { taskArn = '', taskDefinitionArn = '', startedBy = '', lastStatus } of described) {
        if (startedBy.startsWith('release-') && lastStatus === 'RUNNING') {
          announce.substitution('the task of a release runs no container: it is ended with code 0');
          await aws.ecs.send(new StopTaskCommand({ cluster, task: taskArn, reason: 'it has finished' }));
          this.releases.push({ arn: taskArn, taskDefinition: taskDefinitionArn, startedBy });
        }
      }
    }
  }
}

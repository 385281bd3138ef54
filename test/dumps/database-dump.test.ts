import { Duration, Lazy, RemovalPolicy, Size, type Stack, TimeZone } from 'aws-cdk-lib';
import { SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Cluster, ContainerImage, CpuArchitecture } from 'aws-cdk-lib/aws-ecs';
import { Key } from 'aws-cdk-lib/aws-kms';
import { LogGroup } from 'aws-cdk-lib/aws-logs';
import { DatabaseInstance, PostgresEngineVersion } from 'aws-cdk-lib/aws-rds';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Profile } from '../../constructs/core/profile';
import { PostgresDatabase } from '../../constructs/database/postgres-database';
import { DatabaseDump } from '../../constructs/dumps/database-dump';
import { DumpLock } from '../../constructs/dumps/dump-lock';
import { Egress } from '../../constructs/processes/egress';
import { Annotations, errorOf, Match, only, policiesOf, templateOf, testStack, testVpc } from '../support';
import { dumpIn } from './support';

const env = { account: '111122223333', region: 'eu-central-1' };
const daily = (hour: string) => ScheduleExpression.cron({ minute: '0', hour, timeZone: TimeZone.ETC_UTC });

describe('dumps with nothing chosen', () => {
  const stack = testStack();
  const dump = dumpIn(stack);
  const template = templateOf(stack);
  const { resource: definition } = only(template, 'AWS::ECS::TaskDefinition');
  const [prepare, pgDump, upload] = definition.Properties.ContainerDefinitions;

  test('are made every day at 1:00 UTC, by a task on Fargate', () => {
    template.hasResourceProperties('AWS::Scheduler::Schedule', {
      ScheduleExpression: 'cron(0 1 * * ? *)',
      ScheduleExpressionTimezone: 'Etc/UTC',
      State: 'ENABLED',
      Target: { EcsParameters: { LaunchType: 'FARGATE', TaskCount: 1 }, RetryPolicy: { MaximumRetryAttempts: 3 } },
    });
  });

  test('come from one container after the other, of which the last one ends the task', () => {
    expect([prepare, pgDump, upload].map(({ Name, Essential, DependsOn }) => ({ Name, Essential, DependsOn }))).toEqual(
      [
        { Name: 'prepare', Essential: false, DependsOn: undefined },
        { Name: 'dump', Essential: false, DependsOn: [{ ContainerName: 'prepare', Condition: 'SUCCESS' }] },
        { Name: 'upload', Essential: true, DependsOn: [{ ContainerName: 'dump', Condition: 'SUCCESS' }] },
      ],
    );
  });

  test('use images of the version of the database and of AWS, from the registry that asks for no login', () => {
    expect([prepare, pgDump, upload].map(({ Image }) => Image)).toEqual([
      'shop',
      'public.ecr.aws/docker/library/postgres:17.10',
      'public.ecr.aws/aws-cli/aws-cli:2.37.1',
    ]);
    expect(dump.image).toBeDefined();
  });

  test('run without root but for the container that makes the volume writable, and none can write elsewhere', () => {
    expect([prepare, pgDump, upload].map(({ User }) => User)).toEqual(['0', '10001:10001', '10001:10001']);
    for (const container of [prepare, pgDump, upload]) {
      expect(container).toMatchObject({
        ReadonlyRootFilesystem: true,
        LinuxParameters: { Capabilities: { Drop: ['ALL'] }, InitProcessEnabled: true },
        MountPoints: [{ SourceVolume: 'dump', ContainerPath: '/var/tmp/dump', ReadOnly: false }],
      });
      expect(container.Environment).toBeUndefined();
    }
  });

  test('log in as the owner of the tables, and verify the server by the authorities of the application', () => {
    const owner = stack.resolve(dump._watched.database.ownerSecret.secretArn);
    const secrets = Object.fromEntries(
      pgDump.Secrets.map(({ Name, ValueFrom }: { Name: string; ValueFrom: unknown }) => [Name, ValueFrom]),
    );
    expect(Object.keys(secrets)).toEqual(['PGHOST', 'PGPORT', 'PGDATABASE', 'PGUSER', 'PGPASSWORD']);
    expect(JSON.stringify(secrets.PGUSER)).toContain(JSON.stringify(owner));
    expect(JSON.stringify(secrets.PGUSER)).toContain('username');
    expect(prepare.Command.slice(-3)).toEqual([
      '/var/tmp/dump',
      '/etc/ssl/certs/rds-global-bundle.pem',
      '/var/tmp/dump/authorities.pem',
    ]);
    expect(pgDump.Command.slice(-5)).toEqual(['/var/tmp/dump', 'dumps', '/var/tmp/dump/authorities.pem', '', '14400']);
    expect(pgDump.Command[1]).toContain('PGSSLMODE=verify-full');
    expect([prepare, upload].map(({ Secrets }) => Secrets)).toEqual([undefined, undefined]);
  });

  test('may put objects below the prefix, and do nothing else', () => {
    const policies = policiesOf(stack, dump.taskRole);
    const statements = policies.flat();
    const bucketArn = stack.resolve(dump.bucket.bucketArn);
    const key = stack.resolve(dump.encryptionKey?.keyArn);
    expect(statements).toEqual([
      {
        Effect: 'Allow',
        Action: ['s3:PutObject', 's3:AbortMultipartUpload'],
        Resource: { 'Fn::Join': ['', [bucketArn, '/dumps/*']] },
      },
      expect.objectContaining({ Effect: 'Allow', Action: 'kms:GenerateDataKey', Resource: key }),
      expect.objectContaining({
        Effect: 'Allow',
        Action: 'kms:Decrypt',
        Resource: key,
        Condition: expect.objectContaining({ StringLike: { 'kms:EncryptionContext:aws:s3:arn': [bucketArn] } }),
      }),
    ]);
    for (const { Condition } of statements.slice(1)) {
      expect(Object.keys(Condition.StringEquals)).toEqual(['kms:ViaService']);
      expect(JSON.stringify(Condition.StringEquals)).toMatch(/"s3\.".*"\.amazonaws\.com"/);
    }
    expect(policies).toHaveLength(1);
    template.resourceCountIs('AWS::IAM::Policy', 0);
  });

  test('lie in a bucket with versions, a lock, a key of its own, without public access and over TLS alone', () => {
    const { resource } = only(template, 'AWS::S3::Bucket');
    expect(resource).toMatchObject({
      DeletionPolicy: 'Retain',
      UpdateReplacePolicy: 'Retain',
      Properties: {
        VersioningConfiguration: { Status: 'Enabled' },
        ObjectLockEnabled: true,
        ObjectLockConfiguration: { Rule: { DefaultRetention: { Mode: 'GOVERNANCE', Days: 35 } } },
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [
            {
              BucketKeyEnabled: true,
              ServerSideEncryptionByDefault: {
                SSEAlgorithm: 'aws:kms',
                KMSMasterKeyID: stack.resolve(dump.encryptionKey?.keyArn),
              },
            },
          ],
        },
        PublicAccessBlockConfiguration: {
          BlockPublicAcls: true,
          BlockPublicPolicy: true,
          IgnorePublicAcls: true,
          RestrictPublicBuckets: true,
        },
      },
    });
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      PolicyDocument: {
        Statement: [Match.objectLike({ Effect: 'Deny', Condition: { Bool: { 'aws:SecureTransport': 'false' } } })],
      },
    });
    template.hasResource('AWS::KMS::Key', {
      DeletionPolicy: 'Retain',
      Properties: { EnableKeyRotation: true, Description: 'Dumps of the database' },
    });
  });

  test('are kept for 35 days, 12 weeks and a year, and a week longer where somebody has deleted them', () => {
    const rule = (Id: string, ExpirationInDays: number) => ({
      Id,
      Prefix: `dumps/${Id}/`,
      ExpirationInDays,
      NoncurrentVersionExpiration: { NoncurrentDays: 7 },
      Status: 'Enabled',
    });
    expect(only(template, 'AWS::S3::Bucket').resource.Properties.LifecycleConfiguration.Rules).toEqual([
      rule('daily', 35),
      rule('weekly', 84),
      rule('monthly', 365),
      {
        Id: 'remains',
        AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 },
        ExpiredObjectDeleteMarker: true,
        Status: 'Enabled',
      },
    ]);
  });

  test('have room for all that the database may grow to, as far as a task goes', () => {
    expect(definition.Properties.EphemeralStorage).toEqual({ SizeInGiB: 200 });
    expect(definition.Properties).toMatchObject({ Cpu: '1024', Memory: '2048' });
  });

  test('report a task that did not start, and a container that failed, to a queue', () => {
    const { resource } = only(template, 'AWS::Events::Rule');
    expect(resource.Properties.EventPattern.detail.$or[1].containers.name).toEqual(['prepare', 'dump', 'upload']);
    const queue = stack.resolve(dump.deadLetterQueue.queueArn);
    expect(resource.Properties.Targets).toEqual([expect.objectContaining({ Arn: queue })]);
  });

  test('wait for what they need: roles, the way to the database, and the bucket', () => {
    const { resource } = only(template, 'AWS::Scheduler::Schedule');
    const names = resource.DependsOn.join(' ');
    for (const part of ['Bucket', 'BucketPolicy', 'TaskRole', 'ExecutionRole', 'SchedulerRole', 'SecurityGroup']) {
      expect(names).toMatch(new RegExp(part));
    }
    template.hasResourceProperties('AWS::EC2::SecurityGroupIngress', {
      SourceSecurityGroupId: stack.resolve(dump.connections.securityGroups[0].securityGroupId),
      FromPort: stack.resolve(dump._watched.database.connections.defaultPort?.toRuleJson().fromPort),
    });
  });

  test('say that the loss of the account or of the region takes both, the database and its dumps', () => {
    Annotations.fromStack(stack).hasInfo('/Shop/Dump', Match.stringLikeRegexp('who loses one of these loses both'));
  });

  test('have metrics by the path of the construct', () => {
    expect(
      [dump.metricDumpBytes(), dump.metricDumpSeconds(), dump.metricDumpRows(), dump.metricDatabaseBytes()].map(
        ({ namespace, metricName, dimensions }) => [namespace, metricName, dimensions],
      ),
    ).toEqual(
      ['DumpBytes', 'DumpSeconds', 'DumpRows', 'DatabaseBytes'].map((name) => [
        'DjangoFargate',
        name,
        { Dump: 'Shop/Dump' },
      ]),
    );
    expect(upload.Command.slice(-2)).toEqual(['"Shop/Dump"', '"DjangoFargate"']);
    expect(dump.metricFailures().metricName).toBe('ApproximateNumberOfMessagesVisible');
    expect(dump.metricFailedCopies()).toBeUndefined();
  });
});

describe('every option of dumps', () => {
  test('schedules, images, sizes and times arrive in the template', () => {
    const stack = testStack();
    dumpIn(stack, {
      schedules: [daily('1'), daily('13')],
      enabled: false,
      prefix: 'shop/dumps',
      image: ContainerImage.fromRegistry('postgis@sha256:1'),
      uploadImage: ContainerImage.fromRegistry('aws'),
      cpu: 2048,
      memoryLimitMiB: 4096,
      storage: Size.gibibytes(50),
      maxDuration: Duration.minutes(30),
      cpuArchitecture: CpuArchitecture.X86_64,
    });
    const template = templateOf(stack);
    const { Properties } = only(template, 'AWS::ECS::TaskDefinition').resource;
    expect(Object.values(template.findResources('AWS::Scheduler::Schedule')).map((each) => each.Properties)).toEqual([
      expect.objectContaining({ ScheduleExpression: 'cron(0 1 * * ? *)', State: 'DISABLED' }),
      expect.objectContaining({ ScheduleExpression: 'cron(0 13 * * ? *)', State: 'DISABLED' }),
    ]);
    expect(Properties).toMatchObject({
      Cpu: '2048',
      Memory: '4096',
      EphemeralStorage: { SizeInGiB: 58 },
      RuntimePlatform: { CpuArchitecture: 'X86_64' },
    });
    expect(Properties.ContainerDefinitions.map(({ Image }: { Image: string }) => Image)).toEqual([
      'shop',
      'postgis@sha256:1',
      'aws',
    ]);
    expect(Properties.ContainerDefinitions[1].Command.slice(-5)).toEqual(
      expect.arrayContaining(['shop/dumps', '3600']),
    );
    template.hasResourceProperties('AWS::S3::Bucket', {
      LifecycleConfiguration: { Rules: Match.arrayWith([Match.objectLike({ Prefix: 'shop/dumps/daily/' })]) },
    });
  });

  test('a small dump needs no more than what every task has', () => {
    const stack = testStack();
    dumpIn(stack, { storage: Size.gibibytes(12) });
    expect(only(templateOf(stack), 'AWS::ECS::TaskDefinition').resource.Properties.EphemeralStorage).toBeUndefined();
  });

  test('retention, lock and removal policy are those that are given', () => {
    const stack = testStack();
    dumpIn(stack, {
      dailyRetention: Duration.days(7),
      weeklyRetention: Duration.days(30),
      monthlyRetention: Duration.days(90),
      bucketLock: DumpLock.compliance({
        retention: Duration.days(5),
        confirmation: DumpLock.COMPLIANCE_CONFIRMATION,
      }),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    const { resource } = only(templateOf(stack), 'AWS::S3::Bucket');
    expect(resource.DeletionPolicy).toBe('Delete');
    expect(resource.Properties.ObjectLockConfiguration).toEqual({
      ObjectLockEnabled: 'Enabled',
      Rule: { DefaultRetention: { Mode: 'COMPLIANCE', Days: 5 } },
    });
    expect(
      resource.Properties.LifecycleConfiguration.Rules.map(
        ({ ExpirationInDays }: { ExpirationInDays?: number }) => ExpirationInDays,
      ),
    ).toEqual([7, 30, 90, undefined]);
  });

  test.each([
    ['none', { bucketLock: DumpLock.none() }],
    ['the profile of development', { profile: Profile.development() }],
  ])('with %s the bucket can have a lock later, and has none', (_, props) => {
    const stack = testStack();
    dumpIn(stack, props);
    const { Properties } = only(templateOf(stack), 'AWS::S3::Bucket').resource;
    expect([Properties.ObjectLockEnabled, Properties.ObjectLockConfiguration]).toEqual([true, undefined]);
  });

  test('parts that are brought are used, and none is made in their place', () => {
    const stack = testStack();
    const vpc = testVpc(stack);
    const logGroup = new LogGroup(stack, 'Logs');
    const securityGroup = new SecurityGroup(stack, 'Group', { vpc });
    const deadLetterQueue = new Queue(stack, 'Failures');
    const encryptionKey = new Key(stack, 'Key');
    const dump = new DatabaseDump(stack, 'Dump', {
      cluster: new Cluster(stack, 'Cluster', { vpc }),
      database: new PostgresDatabase(stack, 'Database', { vpc }),
      applicationImage: ContainerImage.fromRegistry('shop'),
      logGroup,
      securityGroup,
      deadLetterQueue,
      encryptionKey,
    });
    const template = templateOf(stack);
    template.resourceCountIs('AWS::KMS::Key', 1);
    template.resourceCountIs('AWS::SQS::Queue', 1);
    expect([dump.logGroup, dump.deadLetterQueue, dump.encryptionKey]).toEqual([
      logGroup,
      deadLetterQueue,
      encryptionKey,
    ]);
    expect(dump.connections.securityGroups).toEqual([securityGroup]);
  });

  test('a way out of its own is the only one, beside the database', () => {
    const stack = testStack();
    const dump = dumpIn(stack, { egress: [Egress.https(), Egress.tcp(8443, 'A store of our own')] });
    const group = stack.getLogicalId(dump.connections.securityGroups[0].node.defaultChild as never);
    const { Properties } = templateOf(stack).findResources('AWS::EC2::SecurityGroup')[group];
    expect(Properties.SecurityGroupEgress.map(({ FromPort }: { FromPort: number }) => FromPort)).toEqual([443, 8443]);
  });

  test('without an image of the application, the image of PostgreSQL holds the authorities', () => {
    const stack = testStack();
    dumpIn(stack, { applicationImage: undefined, image: ContainerImage.fromRegistry('postgres-and-authorities') });
    const [prepare, pgDump] = only(templateOf(stack), 'AWS::ECS::TaskDefinition').resource.Properties
      .ContainerDefinitions;
    expect(prepare).toMatchObject({
      Image: 'postgres-and-authorities',
      EntryPoint: ['sh'],
      Command: ['-c', 'chmod 1777 "$1"', 'prepare', '/var/tmp/dump'],
    });
    expect(pgDump.Command[5]).toBe('/etc/ssl/certs/rds-global-bundle.pem');
  });

  test('a bucket that is brought gets the dumps, in its own region and with its own key', () => {
    const stack = testStack({ env });
    const encryptionKey = Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-west-1:444455556666:key/1');
    const bucket = Bucket.fromBucketAttributes(stack, 'Bucket', {
      bucketName: 'vault',
      region: 'eu-west-1',
      account: '444455556666',
      encryptionKey,
    });
    const dump = dumpIn(stack, { bucket });
    const template = templateOf(stack);
    template.resourceCountIs('AWS::S3::Bucket', 0);
    expect([dump.bucket, dump.encryptionKey]).toEqual([bucket, encryptionKey]);
    const upload = only(template, 'AWS::ECS::TaskDefinition').resource.Properties.ContainerDefinitions[2];
    expect(upload.Command.slice(3, 6)).toEqual(['/var/tmp/dump', 'vault', 'eu-west-1']);
    template.hasResourceProperties('AWS::IAM::ManagedPolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Action: 'kms:Decrypt',
            Condition: {
              StringEquals: { 'kms:ViaService': 's3.eu-west-1.amazonaws.com' },
              StringLike: {
                'kms:EncryptionContext:aws:s3:arn': [bucket.bucketArn, bucket.arnForObjects('dumps/*')].map((arn) =>
                  stack.resolve(arn),
                ),
              },
            },
          }),
        ]),
      },
    });
    Annotations.fromStack(stack).hasNoInfo('/Shop/Dump', Match.anyValue());
  });

  test('a bucket that is brought without a key needs none to write', () => {
    const stack = testStack({ env });
    const dump = dumpIn(stack, { bucket: Bucket.fromBucketName(stack, 'Bucket', 'vault') });
    expect(dump.encryptionKey).toBeUndefined();
    const statements = policiesOf(stack, dump.taskRole).flat();
    expect(statements.map(({ Action }) => Action)).toEqual([['s3:PutObject', 's3:AbortMultipartUpload']]);
  });

  test('S3 copies dumps to a bucket of the same account as they are', () => {
    const stack = testStack({ env });
    const replicaBucket = Bucket.fromBucketAttributes(stack, 'Replica', {
      bucketName: 'replica',
      region: 'eu-west-1',
      encryptionKey: Key.fromKeyArn(stack, 'ReplicaKey', `arn:aws:kms:eu-west-1:${env.account}:key/1`),
    });
    dumpIn(stack, { replicaBucket });
    const [{ Destination }] = only(templateOf(stack), 'AWS::S3::Bucket').resource.Properties.ReplicationConfiguration
      .Rules;
    expect(Object.keys(Destination)).toEqual(['Bucket', 'EncryptionConfiguration', 'Metrics']);
    expect(JSON.stringify(templateOf(stack))).not.toContain('s3:ObjectOwnerOverrideToBucketOwner');
  });

  test('S3 copies dumps, and what locks them, to a bucket of another region and account', () => {
    const stack = testStack({ env });
    const replicaBucket = Bucket.fromBucketAttributes(stack, 'Replica', {
      bucketName: 'replica',
      region: 'eu-west-1',
      account: '444455556666',
      encryptionKey: Key.fromKeyArn(stack, 'ReplicaKey', 'arn:aws:kms:eu-west-1:444455556666:key/1'),
    });
    const dump = dumpIn(stack, { replicaBucket });
    const template = templateOf(stack);
    expect(only(template, 'AWS::S3::Bucket').resource.Properties.ReplicationConfiguration.Rules).toEqual([
      {
        Id: 'dumps',
        Priority: 0,
        Status: 'Enabled',
        Filter: { Prefix: '' },
        DeleteMarkerReplication: { Status: 'Disabled' },
        SourceSelectionCriteria: { SseKmsEncryptedObjects: { Status: 'Enabled' } },
        Destination: {
          Bucket: stack.resolve(replicaBucket.bucketArn),
          Account: '444455556666',
          AccessControlTranslation: { Owner: 'Destination' },
          EncryptionConfiguration: { ReplicaKmsKeyID: 'arn:aws:kms:eu-west-1:444455556666:key/1' },
          Metrics: { Status: 'Enabled' },
        },
      },
    ]);
    const policies = JSON.stringify(template.findResources('AWS::IAM::ManagedPolicy'));
    const ofOwner = 's3:ObjectOwnerOverrideToBucketOwner';
    for (const action of ['s3:GetObjectRetention', 's3:GetObjectLegalHold', ofOwner, 'kms:Encrypt']) {
      expect(policies).toContain(`"${action}"`);
    }
    expect(policies).not.toContain('s3:ReplicateDelete');
    expect(dump.metricFailedCopies()?.dimensions).toEqual({
      SourceBucket: dump.bucket.bucketName,
      DestinationBucket: 'replica',
      RuleId: 'dumps',
    });
    Annotations.fromStack(stack).hasNoInfo('/Shop/Dump', Match.anyValue());
  });

  test('a store outside of AWS gets a copy, with a key from a secret', () => {
    const stack = testStack();
    const secret = Secret.fromSecretNameV2(stack, 'Secret', 'store');
    dumpIn(stack, {
      copyTo: { endpoint: 'https://s3.example.com', region: 'nl', bucket: 'copies', folder: 'shop', secret },
    });
    const template = templateOf(stack);
    const upload = only(template, 'AWS::ECS::TaskDefinition').resource.Properties.ContainerDefinitions[2];
    expect(upload.Command.slice(-4)).toEqual(['https://s3.example.com', 'nl', 'copies', 'shop/']);
    expect(upload.Secrets.map(({ Name }: { Name: string }) => Name)).toEqual([
      'COPY_ACCESS_KEY_ID',
      'COPY_SECRET_ACCESS_KEY',
    ]);
    expect(JSON.stringify(upload.Secrets[1].ValueFrom)).toContain(':secretAccessKey::');
    Annotations.fromStack(stack).hasNoInfo('/Shop/Dump', Match.anyValue());
  });

  test('a copy without a folder lies at the root of the other bucket', () => {
    const stack = testStack();
    const secret = Secret.fromSecretNameV2(stack, 'Secret', 'store');
    dumpIn(stack, { copyTo: { endpoint: 'https://s3.example.com', region: 'nl', bucket: 'copies', secret } });
    const upload = only(templateOf(stack), 'AWS::ECS::TaskDefinition').resource.Properties.ContainerDefinitions[2];
    expect(upload.Command.slice(-2)).toEqual(['copies', '']);
  });

  test('a replica is asked before the database, unless it is not to be', () => {
    const commands = [true, false].map((fromReplica) => {
      const stack = testStack();
      const { database } = dumpIn(stack, { fromReplica }, { readReplicas: 1 })._watched;
      const { Properties } = only(templateOf(stack), 'AWS::ECS::TaskDefinition').resource;
      const address = stack.resolve((database as PostgresDatabase).readReplicas[0].dbInstanceEndpointAddress);
      return [Properties.ContainerDefinitions[1].Command[6], address];
    });
    expect(commands[0][0]).toEqual(commands[0][1]);
    expect(commands[1][0]).toBe('');
  });

  test.each([
    [PostgresEngineVersion.VER_14_9, 'postgres:14.23'],
    [PostgresEngineVersion.VER_15, 'postgres:15.18'],
    [PostgresEngineVersion.VER_16_4, 'postgres:16.14'],
    [PostgresEngineVersion.VER_18, 'postgres:18.4'],
  ])('the image is of the version of the database: %#', (engineVersion, image) => {
    const stack = testStack();
    dumpIn(stack, {}, { engineVersion });
    const { Properties } = only(templateOf(stack), 'AWS::ECS::TaskDefinition').resource;
    expect(Properties.ContainerDefinitions[1].Image).toBe(`public.ecr.aws/docker/library/${image}`);
  });
});

describe('the age of the newest dump that is too much', () => {
  const ages = (schedules: ScheduleExpression[], maxAge?: Duration) =>
    dumpIn(testStack(), { schedules, maxAge })._watched.maxAge?.toHours();

  test.each([
    ['a dump a day', [daily('1')], 27],
    ['two a day, which fill the gaps of each other', [daily('1'), daily('13')], 15],
    ['every six hours', [ScheduleExpression.cron({ minute: '0', hour: '*/6' })], 9],
    ['a rate', [ScheduleExpression.rate(Duration.hours(4))], 7],
    ['working days alone', [ScheduleExpression.cron({ minute: '0', hour: '1', weekDay: 'MON-FRI' })], 75],
    ['two days of a week', [ScheduleExpression.cron({ minute: '0', hour: '1', weekDay: 'MON,THU' })], 99],
  ])('is the gap, the longest dump and an hour: %s', (_, schedules, hours) => {
    expect(ages(schedules)).toBe(hours);
  });

  test('can be given, and must be where nobody can reckon it', () => {
    expect(ages([daily('1')], Duration.hours(48))).toBe(48);
    const strange = ScheduleExpression.cron({ minute: '0', hour: '1', year: '2027' });
    expect(errorOf(() => ages([strange]))).toMatch(/`maxAge` must be given with cron\(0 1 \* \* \? 2027\)/);
    expect(ages([strange, daily('1')])).toBe(27);
    const unknown = ScheduleExpression.expression(Lazy.string({ produce: () => 'cron(0 1 * * ? *)' }));
    expect(errorOf(() => ages([unknown]))).toMatch(
      /must be given with schedules that only the deployment knows, whose/,
    );
    expect(ages([unknown], Duration.hours(30))).toBe(30);
  });

  test('is none where no schedule is on', () => {
    expect(dumpIn(testStack(), { enabled: false })._watched.maxAge).toBeUndefined();
  });
});

describe('dumps fail when', () => {
  const brought = (stack = testStack()) => {
    const instance = DatabaseInstance.fromDatabaseInstanceAttributes(stack, 'Instance', {
      instanceIdentifier: 'shop',
      instanceEndpointAddress: 'shop.example.com',
      port: 15432,
      securityGroups: [],
    });
    const applicationSecret = Secret.fromSecretNameV2(stack, 'Login', 'shop');
    return PostgresDatabase.fromPostgresDatabaseAttributes(stack, 'Postgres', { instance, applicationSecret });
  };

  test('the database holds more than a task can store, unless the size of a dump is given', () => {
    const large = (storage?: Size) =>
      dumpIn(testStack(), { storage }, { allocatedStorage: 400, maxAllocatedStorage: 800 });
    expect(errorOf(() => large())).toBe(
      'Shop/Dump: `database` must have at most 192 GiB of storage, so that any dump of it fits into a task, got "400 GiB of storage". ' +
        'Fargate gives a task no more. Where a compressed dump is smaller, say how large it can be with `storage`; where it is not, rely on snapshots and their copies.',
    );
    expect(() => large(Size.gibibytes(150))).not.toThrow();
  });

  test('the bucket of the copies lies where the dumps do, as far as the region is known', () => {
    const withReplica = (stack: Stack, region?: string) =>
      dumpIn(stack, {
        replicaBucket: Bucket.fromBucketAttributes(stack, 'Replica', {
          bucketName: 'replica',
          region,
          encryptionKey: Key.fromKeyArn(stack, 'ReplicaKey', `arn:aws:kms:eu-west-1:${env.account}:key/1`),
        }),
      });
    expect(errorOf(() => withReplica(testStack({ env })))).toContain(
      '`replicaBucket` must lie in another region or account than the stack',
    );
    expect(() => withReplica(testStack({ env }), 'eu-west-1')).not.toThrow();
    expect(() => withReplica(testStack())).not.toThrow();
  });

  test('the size of a dump is given, and is not whole GiB that a task can have', () => {
    for (const storage of [Size.gibibytes(193), Size.mebibytes(1500), Size.gibibytes(0)]) {
      expect(errorOf(() => dumpIn(testStack(), { storage }))).toContain('`storage` must be whole GiB from 1 to 192');
    }
    const unknown = Size.gibibytes(Lazy.number({ produce: () => 20 }));
    expect(errorOf(() => dumpIn(testStack(), { storage: unknown }))).toContain('Shop/Dump: `storage` must');
    expect(() => dumpIn(testStack(), { storage: Size.gibibytes(192) })).not.toThrow();
  });

  test('nobody knows the version of the database, and no image is given', () => {
    const stack = testStack();
    const database = brought(stack);
    expect(errorOf(() => dumpIn(stack, { database }))).toMatch(
      /`image` must be given for a database whose version is not known to be 14, 15, 16, 17, 18/,
    );
  });

  test('a database of any size is brought with an image, it has the largest storage', () => {
    const stack = testStack();
    dumpIn(stack, { database: brought(stack), image: ContainerImage.fromRegistry('postgres') });
    const { Properties } = only(templateOf(stack), 'AWS::ECS::TaskDefinition').resource;
    expect(Properties.EphemeralStorage).toEqual({ SizeInGiB: 200 });
  });
});

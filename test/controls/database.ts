import { evaluate } from '../lifecycle/names';
import { type Control, routed, set, unless, without, zones } from './control';
import { unprotected, unprotectedMutants } from './protected-last';

/** Some stack: the names of instance and log groups end in its id. */
const PLACE = { stackName: 'Shop', stackId: 'arn:aws:cloudformation:eu-west-1:1:stack/Shop/0-1-2-3-4' };
const INSTANCE = 'AWS::RDS::DBInstance';
const EVENTS = 'AWS::RDS::EventSubscription';

/** Event categories that Security Hub asks for, by the kind of source. */
const CATEGORIES: { [sourceType: string]: string[] } = {
  'db-instance': ['maintenance', 'configuration change', 'failure'],
  'db-parameter-group': ['configuration change'],
  'db-security-group': ['configuration change', 'failure'],
};

/** The database. */
export const DATABASE: Control[] = [
  {
    ids: 'RDS.2, RDS.46',
    sentence: 'the database has no public address, said explicitly, and its subnets no route to the internet',
    offenders: (template) => [
      ...unless(template, INSTANCE, ({ PubliclyAccessible }) => PubliclyAccessible === false),
      ...unless(template, 'AWS::RDS::DBSubnetGroup', ({ SubnetIds }) => {
        const open = [...routed(template, 'GatewayId'), ...routed(template, 'NatGatewayId')];
        const subnets = template.mentions(SubnetIds);
        return subnets.length > 0 && subnets.every((subnet) => !open.includes(subnet));
      }),
    ],
    mutants: {
      'a public address': set(INSTANCE, 'PubliclyAccessible', true),
      'an address left to the default': set(INSTANCE, 'PubliclyAccessible', undefined),
      'subnets with a route': (resources) => {
        const [route] = Object.values(resources).filter(({ Properties }) => Properties?.NatGatewayId !== undefined);
        const [group] = Object.values(resources).filter(({ Type }) => Type === 'AWS::RDS::DBSubnetGroup');
        const [association] = Object.values(resources).filter(
          ({ Type, Properties }) =>
            Type === 'AWS::EC2::SubnetRouteTableAssociation' &&
            Properties.RouteTableId.Ref === route.Properties.RouteTableId.Ref,
        );
        group.Properties.SubnetIds = [association.Properties.SubnetId];
      },
    },
  },
  {
    ids: 'RDS.3',
    sentence: 'the database is encrypted with a key of the application',
    offenders: (template) =>
      unless(template, INSTANCE, ({ StorageEncrypted, KmsKeyId }) => {
        const [key] = template.mentions(KmsKeyId);
        return StorageEncrypted === true && template.ofType('AWS::KMS::Key').includes(key);
      }),
    mutants: {
      'no encryption': set(INSTANCE, 'StorageEncrypted', false),
      'the key of AWS': set(INSTANCE, 'KmsKeyId', undefined),
    },
  },
  {
    ids: 'RDS.5',
    sentence: 'the database has a standby in another zone',
    offenders: (template) => [
      ...unless(template, INSTANCE, ({ MultiAZ }) => MultiAZ === true),
      ...unless(template, 'AWS::RDS::DBSubnetGroup', ({ SubnetIds }) => zones(template, SubnetIds) >= 2),
    ],
    mutants: { 'one zone': set(INSTANCE, 'MultiAZ', false) },
  },
  {
    ids: 'RDS.6',
    sentence: 'the database has enhanced monitoring, with a role for it',
    offenders: (template) =>
      unless(template, INSTANCE, ({ MonitoringInterval, MonitoringRoleArn }) => {
        return MonitoringInterval > 0 && template.mentions(MonitoringRoleArn).length === 1;
      }),
    mutants: {
      'no monitoring': set(INSTANCE, 'MonitoringInterval', 0),
      'no role': set(INSTANCE, 'MonitoringRoleArn', undefined),
    },
  },
  {
    ids: 'RDS.8',
    sentence: 'the database cannot be deleted by accident',
    offenders: (template) => unprotected(template, INSTANCE),
    mutants: {
      ...unprotectedMutants('KeptInstances'),
      'protected too early': set(INSTANCE, 'DeletionProtection', true),
    },
  },
  {
    ids: 'RDS.9, RDS.36',
    sentence: 'the database sends its logs to log groups of the template, which exist before it',
    offenders: (template) =>
      unless(template, INSTANCE, ({ EnableCloudwatchLogsExports, DBInstanceIdentifier }, id) =>
        ['postgresql', 'upgrade'].every((log) => {
          const group = template
            .ofType('AWS::Logs::LogGroup')
            .find(
              (each) =>
                evaluate(template.properties(each).LogGroupName, PLACE) ===
                `/aws/rds/instance/${evaluate(DBInstanceIdentifier, PLACE)}/${log}`,
            );
          return EnableCloudwatchLogsExports?.includes(log) && group !== undefined && template.waitsFor(id, group);
        }),
      ),
    mutants: {
      'no logs': set(INSTANCE, 'EnableCloudwatchLogsExports', []),
      'logs of upgrades alone': set(INSTANCE, 'EnableCloudwatchLogsExports', ['upgrade']),
      'another identifier': set(INSTANCE, 'DBInstanceIdentifier', 'another'),
    },
  },
  {
    ids: 'RDS.10',
    sentence: 'the database takes IAM authentication',
    offenders: (template) =>
      unless(template, INSTANCE, ({ EnableIAMDatabaseAuthentication }) => EnableIAMDatabaseAuthentication === true),
    mutants: { 'passwords alone': set(INSTANCE, 'EnableIAMDatabaseAuthentication', false) },
  },
  {
    ids: 'RDS.11, RDS.26',
    sentence: 'the database is backed up for a week or longer, and is in the backup plan',
    offenders: (template) => [
      ...unless(template, INSTANCE, ({ BackupRetentionPeriod }) => BackupRetentionPeriod >= 7),
      ...unless(template, INSTANCE, (_, id) =>
        template
          .ofType('AWS::Backup::BackupSelection')
          .some((each) => template.mentions(template.properties(each).BackupSelection.Resources).includes(id)),
      ),
    ],
    mutants: {
      'six days': set(INSTANCE, 'BackupRetentionPeriod', 6),
      'no selection': without('AWS::Backup::BackupSelection'),
      'a selection of something else': set('AWS::Backup::BackupSelection', 'BackupSelection.Resources', []),
    },
  },
  {
    ids: 'RDS.13, RDS.17',
    sentence: 'the database takes minor upgrades by itself, and its snapshots take its tags',
    offenders: (template) =>
      unless(template, INSTANCE, ({ AutoMinorVersionUpgrade, CopyTagsToSnapshot }) => {
        return AutoMinorVersionUpgrade === true && CopyTagsToSnapshot === true;
      }),
    mutants: {
      'upgrades left to the default': set(INSTANCE, 'AutoMinorVersionUpgrade', undefined),
      'no tags': set(INSTANCE, 'CopyTagsToSnapshot', false),
    },
  },
  {
    ids: 'RDS.19, RDS.20, RDS.21, RDS.22',
    sentence: 'critical events of the instance, its parameter group and security groups reach a topic',
    offenders: (template) =>
      Object.entries(CATEGORIES).flatMap(([sourceType, wanted]) => {
        const found = template.ofType(EVENTS).some((id) => {
          const { SourceType, EventCategories, Enabled, SnsTopicArn } = template.properties(id);
          const complete = wanted.every((category) => EventCategories.includes(category));
          return (
            SourceType === sourceType && Enabled === true && complete && template.mentions(SnsTopicArn).length === 1
          );
        });
        return found ? [] : [`no subscription for ${sourceType}`];
      }),
    mutants: {
      'no subscription': without(EVENTS),
      'no failures': set(EVENTS, 'EventCategories', ['maintenance']),
      'a disabled subscription': set(EVENTS, 'Enabled', false),
    },
  },
  {
    ids: 'RDS.23, RDS.25',
    sentence: 'the database has a port and a master user that nobody guesses first, the port as a literal',
    offenders: (template) =>
      unless(template, INSTANCE, ({ Port, MasterUsername }) => {
        return /^\d+$/.test(Port) && Port !== '5432' && !['postgres', 'admin'].includes(MasterUsername ?? 'postgres');
      }),
    mutants: {
      'the default port': set(INSTANCE, 'Port', '5432'),
      'a port left to the default': set(INSTANCE, 'Port', undefined),
      'the default user': set(INSTANCE, 'MasterUsername', 'postgres'),
    },
  },
  {
    ids: 'TLS to the database',
    sentence: 'the database refuses connections without TLS, and clients verify its certificate',
    offenders: (template) => [
      ...unless(template, INSTANCE, ({ DBParameterGroupName }) => {
        const [group] = template.mentions(DBParameterGroupName);
        return group !== undefined && template.properties(group).Parameters['rds.force_ssl'] === '1';
      }),
      ...unless(template, 'AWS::ECS::TaskDefinition', ({ ContainerDefinitions: [{ Environment }] }) => {
        return Environment.some(
          ({ Name, Value }: { Name: string; Value: unknown }) => Name === 'PGSSLMODE' && Value === 'verify-full',
        );
      }),
    ],
    mutants: {
      'TLS as one likes': set('AWS::RDS::DBParameterGroup', 'Parameters', { 'rds.force_ssl': '0' }),
      'the parameter group of AWS': set(INSTANCE, 'DBParameterGroupName', undefined),
      'clients that trust anybody': set('AWS::ECS::TaskDefinition', 'ContainerDefinitions.0.Environment', []),
    },
  },
  {
    ids: 'Backup.1',
    sentence: 'recovery points are encrypted with a key of their own, locked, and restored as a test',
    offenders: (template) => [
      ...unless(template, 'AWS::Backup::BackupVault', ({ EncryptionKeyArn, LockConfiguration }) => {
        const [key] = template.mentions(EncryptionKeyArn);
        const shared = template
          .ofType(INSTANCE)
          .some((id) => template.mentions(template.properties(id).KmsKeyId)[0] === key);
        return key !== undefined && !shared && LockConfiguration?.MinRetentionDays >= 7;
      }),
      ...unless(
        template,
        'AWS::Backup::RestoreTestingSelection',
        ({ RestoreTestingPlanName, ProtectedResourceArns }) => {
          const [plan] = template.mentions(RestoreTestingPlanName);
          const [instance] = template.mentions(ProtectedResourceArns);
          return plan !== undefined && template.ofType(INSTANCE).includes(instance);
        },
      ),
    ],
    mutants: {
      'the key of AWS': set('AWS::Backup::BackupVault', 'EncryptionKeyArn', undefined),
      'no lock': set('AWS::Backup::BackupVault', 'LockConfiguration', undefined),
      'no restore test': without('AWS::Backup::RestoreTestingSelection'),
      'a restore test without a plan': without('AWS::Backup::RestoreTestingPlan'),
    },
  },
  {
    ids: 'EC2.18, EC2.19',
    sentence: 'nothing lets the world in but the load balancer, on ports 80 and 443',
    offenders: (template) => {
      const balancers = template
        .ofType('AWS::ElasticLoadBalancingV2::LoadBalancer')
        .flatMap((id) => template.mentions(template.properties(id).SecurityGroups));
      const rules = [
        ...template
          .ofType('AWS::EC2::SecurityGroup')
          .flatMap((id) =>
            (template.properties(id).SecurityGroupIngress ?? []).map((rule: object) => ({ ...rule, group: id })),
          ),
        ...template
          .ofType('AWS::EC2::SecurityGroupIngress')
          .map((id) => ({ ...template.properties(id), group: template.mentions(template.properties(id).GroupId)[0] })),
      ];
      // Outside of the load balancer a rule names a security group, never an address.
      const wrong = rules.filter(({ group, CidrIp, CidrIpv6, FromPort, ToPort, SourceSecurityGroupId }) => {
        const byAddress = CidrIp !== undefined || CidrIpv6 !== undefined || SourceSecurityGroupId === undefined;
        return byAddress && !(balancers.includes(group) && [80, 443].includes(FromPort) && FromPort === ToPort);
      });
      return rules.length === 0 ? ['no rules'] : wrong.map(({ group }) => group);
    },
    mutants: {
      'a database for everybody': set('AWS::EC2::SecurityGroupIngress', 'CidrIp', '0.0.0.0/0'),
      'SSH to the load balancer': (resources) => {
        const [group] = Object.values(resources).filter(({ Properties }) => Properties?.SecurityGroupIngress);
        group.Properties.SecurityGroupIngress.push({ CidrIpv6: '::/0', FromPort: 22, ToPort: 22 });
      },
    },
  },
];

import { evaluate } from '../lifecycle/names';
import { type Control, routed, set, unless, without, zones } from './control';
import { unprotected, unprotectedMutants } from './protected-last';

/** Some stack: the names of cluster and log group end in its id. */
const PLACE = { stackName: 'Orders', stackId: 'arn:aws:cloudformation:eu-west-1:1:stack/Orders/0-1-2-3-4' };
const CLUSTER = 'AWS::RDS::DBCluster';
const INSTANCE = 'AWS::RDS::DBInstance';
const EVENTS = 'AWS::RDS::EventSubscription';

/** What the controls ask of an Aurora cluster, which has most of what an instance has at another place. */
export const CLUSTERS: Control[] = [
  {
    ids: 'RDS.2, RDS.46',
    sentence: 'no instance of the cluster has a public address, and its subnets no route to the internet',
    offenders: (template) => [
      ...unless(template, INSTANCE, ({ PubliclyAccessible }) => PubliclyAccessible === false),
      ...unless(template, 'AWS::RDS::DBSubnetGroup', ({ SubnetIds }) => {
        const open = [...routed(template, 'GatewayId'), ...routed(template, 'NatGatewayId')];
        return template.mentions(SubnetIds).every((subnet) => !open.includes(subnet));
      }),
    ],
    mutants: { 'a public address': set(INSTANCE, 'PubliclyAccessible', true) },
  },
  {
    ids: 'RDS.6, RDS.35',
    sentence: 'each instance has enhanced monitoring with a role for it, and takes minor upgrades by itself',
    offenders: (template) =>
      unless(template, INSTANCE, ({ MonitoringInterval, MonitoringRoleArn, AutoMinorVersionUpgrade }) => {
        const isWatched = MonitoringInterval > 0 && template.mentions(MonitoringRoleArn).length === 1;
        return isWatched && AutoMinorVersionUpgrade === true;
      }),
    mutants: {
      'no monitoring': set(INSTANCE, 'MonitoringInterval', 0),
      'no upgrades': set(INSTANCE, 'AutoMinorVersionUpgrade', false),
    },
  },
  {
    ids: 'RDS.7',
    sentence: 'the cluster cannot be deleted by accident',
    offenders: (template) => unprotected(template, CLUSTER),
    mutants: {
      ...unprotectedMutants('KeptClusters'),
      'protected too early': set(CLUSTER, 'DeletionProtection', true),
    },
  },
  {
    ids: 'RDS.12, RDS.16, RDS.27',
    sentence:
      'the cluster takes IAM authentication, tags its snapshots, and is encrypted with a key of the application',
    offenders: (template) =>
      unless(template, CLUSTER, (cluster) => {
        const [key] = template.mentions(cluster.KmsKeyId);
        const isEncrypted = cluster.StorageEncrypted === true && template.ofType('AWS::KMS::Key').includes(key);
        return isEncrypted && cluster.EnableIAMDatabaseAuthentication === true && cluster.CopyTagsToSnapshot === true;
      }),
    mutants: {
      'passwords alone': set(CLUSTER, 'EnableIAMDatabaseAuthentication', false),
      'no tags': set(CLUSTER, 'CopyTagsToSnapshot', false),
      'the key of AWS': set(CLUSTER, 'KmsKeyId', undefined),
    },
  },
  {
    ids: 'RDS.15',
    sentence: 'the cluster has two instances or more, and subnets in two zones',
    offenders: (template) => [
      ...(template.ofType(INSTANCE).length >= 2 ? [] : ['one instance']),
      ...unless(template, 'AWS::RDS::DBSubnetGroup', ({ SubnetIds }) => zones(template, SubnetIds) >= 2),
    ],
    mutants: { 'no instance': without(INSTANCE) },
  },
  {
    ids: 'RDS.19 to RDS.22',
    sentence: 'critical events of the cluster, its instances and its security groups reach a topic',
    offenders: (template) =>
      ['db-cluster', 'db-instance', 'db-security-group'].filter(
        (wanted) =>
          !template.ofType(EVENTS).some((id) => {
            const { SourceType, EventCategories, Enabled } = template.properties(id);
            return SourceType === wanted && Enabled === true && EventCategories.includes('failure');
          }),
      ),
    mutants: { 'no subscription': without(EVENTS), 'a disabled one': set(EVENTS, 'Enabled', false) },
  },
  {
    ids: 'RDS.24',
    sentence: 'the cluster has a port and a master user that nobody guesses first',
    offenders: (template) =>
      unless(template, CLUSTER, ({ Port, MasterUsername }) => {
        return Number(Port) !== 5432 && !['postgres', 'admin'].includes(MasterUsername ?? 'postgres');
      }),
    mutants: {
      'the default port': set(CLUSTER, 'Port', 5432),
      'the default user': set(CLUSTER, 'MasterUsername', 'postgres'),
    },
  },
  {
    ids: 'RDS.26, AuroraInBackupPlan',
    sentence: 'the cluster is backed up for a week or longer, and is in the backup plan',
    offenders: (template) =>
      unless(template, CLUSTER, ({ BackupRetentionPeriod }, id) => {
        const selections = template.ofType('AWS::Backup::BackupSelection').map((each) => template.properties(each));
        const chosen = selections.flatMap(({ BackupSelection }) => template.mentions(BackupSelection.Resources));
        return BackupRetentionPeriod >= 7 && chosen.includes(id);
      }),
    mutants: {
      'six days': set(CLUSTER, 'BackupRetentionPeriod', 6),
      'no selection': without('AWS::Backup::BackupSelection'),
    },
  },
  {
    ids: 'RDS.34, RDS.37',
    sentence: 'the cluster sends its log to a log group of the template, which exists before it',
    offenders: (template) =>
      unless(template, CLUSTER, ({ EnableCloudwatchLogsExports, DBClusterIdentifier }, id) => {
        const name = `/aws/rds/cluster/${evaluate(DBClusterIdentifier, PLACE)}/postgresql`;
        const group = template
          .ofType('AWS::Logs::LogGroup')
          .find((each) => evaluate(template.properties(each).LogGroupName, PLACE) === name);
        return EnableCloudwatchLogsExports?.[0] === 'postgresql' && group !== undefined && template.waitsFor(id, group);
      }),
    mutants: {
      'no log': set(CLUSTER, 'EnableCloudwatchLogsExports', []),
      'another identifier': set(CLUSTER, 'DBClusterIdentifier', 'another'),
    },
  },
  {
    ids: 'TLS to the database',
    sentence: 'the cluster refuses connections without TLS',
    offenders: (template) =>
      unless(template, CLUSTER, ({ DBClusterParameterGroupName }) => {
        const [group] = template.mentions(DBClusterParameterGroupName);
        return group !== undefined && template.properties(group).Parameters['rds.force_ssl'] === '1';
      }),
    mutants: {
      'TLS as one likes': set('AWS::RDS::DBClusterParameterGroup', 'Parameters', { 'rds.force_ssl': '0' }),
      'the parameter group of AWS': set(CLUSTER, 'DBClusterParameterGroupName', undefined),
    },
  },
];

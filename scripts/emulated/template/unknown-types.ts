/**
 * Resource types of the examples that the pinned version of MiniStack does not know.
 *
 * `npm run emulated` asks the emulator itself and fails when it knows one of them, or does not know another:
 * a type that is missing without need would be proven nowhere.
 */
export const UNKNOWN_TYPES: readonly string[] = [
  'AWS::ApplicationAutoScaling::ScalableTarget',
  'AWS::ApplicationAutoScaling::ScalingPolicy',
  'AWS::Backup::BackupSelection',
  'AWS::Backup::RestoreTestingPlan',
  'AWS::Backup::RestoreTestingSelection',
  'AWS::EC2::EIP',
  'AWS::EC2::FlowLog',
  'AWS::EC2::NatGateway',
  'AWS::EC2::SecurityGroupEgress',
  'AWS::EC2::SecurityGroupIngress',
  'AWS::ECS::ClusterCapacityProviderAssociations',
  'AWS::RDS::EventSubscription',
  'AWS::SecretsManager::RotationSchedule',
  'AWS::WAFv2::LoggingConfiguration',
  'AWS::WAFv2::WebACLAssociation',
];

/** An alarm of metric math is made with this plain metric in its place: the emulator refuses `Metrics`. */
export const PLAIN_METRIC = { Namespace: 'Emulated', MetricName: 'Plain', Period: 60, Statistic: 'Sum' };

// biome-ignore lint/suspicious/noExplicitAny: properties of any CloudFormation type
type Written = (properties: any) => string;

/** Attributes that the emulator does not return, and what is written in place of each. */
export const MISSING_ATTRIBUTES: { readonly [type: string]: { readonly [attribute: string]: Written } } = {
  'AWS::EC2::VPC': { CidrBlock: ({ CidrBlock }) => CidrBlock },
  'AWS::SES::EmailIdentity': Object.fromEntries(
    [1, 2, 3]
      .flatMap((number) => [`DkimDNSTokenName${number}`, `DkimDNSTokenValue${number}`])
      .map((attribute) => [attribute, () => `${attribute.toLowerCase()}.shop.example.com`]),
  ),
};

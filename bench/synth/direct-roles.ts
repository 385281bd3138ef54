import { CustomResource, Duration, type Stack } from 'aws-cdk-lib';
import {
  CfnSecurityGroupIngress,
  type GatewayVpcEndpoint,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
} from 'aws-cdk-lib/aws-ec2';
import type { DatabaseInstance } from 'aws-cdk-lib/aws-rds';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { IDependable } from 'constructs';
import { encryptedLogs, type Foundation } from './direct-foundation';
import { handler, handlerRole, placementPolicy } from './direct-handlers';
import { statement } from './direct-tasks';

interface Parts {
  readonly instance: DatabaseInstance;
  readonly port: number;
  readonly securityGroup: SecurityGroup;
  readonly masterSecret: ISecret;
  readonly applicationSecret: ISecret;
  readonly ownerSecret: ISecret;
}

/** Way of the handlers to the database, the handler that makes its roles, and the custom resource that calls it. */
export function databaseRoles(stack: Stack, base: Foundation, parts: Parts) {
  const { network, ready } = wayToDatabase(stack, base, parts);
  const secrets = [parts.masterSecret, parts.applicationSecret, parts.ownerSecret];
  const logGroup = encryptedLogs(stack, 'RolesLogs', base.key);
  const read = ['secretsmanager:GetSecretValue', 'secretsmanager:DescribeSecret'];
  const statements = secrets.map(({ secretArn }) => statement(read, secretArn));
  const role = handlerRole(stack, 'RolesRole', base, logGroup, statements, network);
  for (const secret of secrets) {
    secret.grantRead(role.withoutPolicyUpdates()); // For the policy of the key.
  }
  const rolesHandler = handler(stack, 'RolesHandler', base, {
    bundle: 'database-roles',
    description: 'Makes the roles and the logins of the application in the database',
    timeout: Duration.minutes(10),
    role,
    logGroup,
    network,
  });
  const resource = new CustomResource(stack, 'Roles', {
    resourceType: 'Custom::DatabaseRoles',
    serviceToken: rolesHandler.functionArn,
    serviceTimeout: Duration.minutes(15),
    properties: {
      MasterSecretArn: parts.masterSecret.secretArn,
      ApplicationSecretArn: parts.applicationSecret.secretArn,
      OwnerSecretArn: parts.ownerSecret.secretArn,
      Database: 'django',
      Owner: 'django',
      OwnerLogins: ['django_release_a', 'django_release_b'],
      ServingRole: 'django_serving',
      Logins: ['django_a', 'django_b'],
      Instance: parts.instance.instanceResourceId,
      Revision: '2',
    },
  });
  resource.node.addDependency(rolesHandler, ...secrets, ...ready);
  return { resource, network, logGroup, ready: [resource, ...secrets, ...ready] };
}

function wayToDatabase(stack: Stack, { vpc }: Foundation, { port, securityGroup: database }: Parts) {
  const description = 'Handlers that look after the database';
  const securityGroup = new SecurityGroup(stack, 'HandlersSecurityGroup', {
    vpc,
    description,
    allowAllOutbound: false,
  });
  securityGroup.addEgressRule(Peer.anyIpv4(), Port.tcp(443), 'Secrets Manager and the answer to CloudFormation');
  securityGroup.addEgressRule(Peer.securityGroupId(database.securityGroupId), Port.tcp(port), 'Database');
  const ingress = new CfnSecurityGroupIngress(stack, 'HandlersIngress', {
    groupId: database.securityGroupId,
    sourceSecurityGroupId: securityGroup.securityGroupId,
    ipProtocol: 'tcp',
    fromPort: port,
    toPort: port,
    description,
  });
  const ready: IDependable[] = [
    securityGroup,
    ingress,
    vpc.selectSubnets({ subnetType: SubnetType.PRIVATE_WITH_EGRESS }).internetConnectivityEstablished,
    vpc.node.findChild('S3') as GatewayVpcEndpoint,
  ];
  return { network: { securityGroup, placement: placementPolicy(stack, 'HandlersPlacement') }, ready };
}

import { join } from 'node:path';
import { Stack, type StackProps } from 'aws-cdk-lib';
import { BackupVault } from 'aws-cdk-lib/aws-backup';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { SecurityGroup, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { ContainerImage } from 'aws-cdk-lib/aws-ecs';
import { DatabaseInstance } from 'aws-cdk-lib/aws-rds';
import { HostedZone } from 'aws-cdk-lib/aws-route53';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { DjangoApplication, PostgresDatabase, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

export interface ExistingNetworkStackProps extends StackProps {
  /** Account and region, since the certificate must be of the same region. */
  readonly env: { readonly account: string; readonly region: string };
  /**
   * Which environment this is.
   *
   * @default Profile.production()
   */
  readonly profile?: Profile;
}

/** An application in a company's own VPC, with its database, hosted zone and certificate. */
export class ExistingNetworkStack extends Stack {
  public readonly application: DjangoApplication;

  constructor(scope: Construct, id: string, props: ExistingNetworkStackProps) {
    super(scope, id, props);
    const { account, region } = props.env;

    const vpc = Vpc.fromVpcAttributes(this, 'Vpc', {
      vpcId: 'vpc-0123456789abcdef0',
      vpcCidrBlock: '10.20.0.0/16',
      availabilityZones: [`${region}a`, `${region}b`],
      publicSubnetIds: ['subnet-0aaaaaaaaaaaaaaa1', 'subnet-0aaaaaaaaaaaaaaa2'],
      publicSubnetRouteTableIds: ['rtb-0aaaaaaaaaaaaaaa1', 'rtb-0aaaaaaaaaaaaaaa1'],
      privateSubnetIds: ['subnet-0bbbbbbbbbbbbbbb1', 'subnet-0bbbbbbbbbbbbbbb2'],
      privateSubnetRouteTableIds: ['rtb-0bbbbbbbbbbbbbbb1', 'rtb-0bbbbbbbbbbbbbbb2'],
    });
    const instance = DatabaseInstance.fromDatabaseInstanceAttributes(this, 'Instance', {
      instanceIdentifier: 'company-postgres',
      instanceEndpointAddress: `company-postgres.abcdefghijkl.${region}.rds.amazonaws.com`,
      port: 15432,
      securityGroups: [SecurityGroup.fromSecurityGroupId(this, 'DatabaseSecurityGroup', 'sg-0123456789abcdef0')],
    });

    this.application = new DjangoApplication(this, 'Intranet', {
      profile: props.profile ?? Profile.production(),
      image: ContainerImage.fromAsset(join(__dirname, '..', 'minimal', 'app'), { platform: Platform.LINUX_ARM64 }),
      settingsModule: 'project.settings',
      web: { healthCheckPath: '/up' },
      vpc,
      database: PostgresDatabase.fromPostgresDatabaseAttributes(this, 'Database', {
        instance,
        applicationSecret: Secret.fromSecretCompleteArn(
          this,
          'ApplicationSecret',
          `arn:${this.partition}:secretsmanager:${region}:${account}:secret:intranet/database-AbCdEf`,
        ),
      }),
      // The company keeps copies of all backups in an account of their own, in another region.
      backupOptions: {
        copyDestinations: [
          BackupVault.fromBackupVaultArn(
            this,
            'Copies',
            `arn:${this.partition}:backup:eu-west-1:444455556666:backup-vault:company`,
          ),
        ],
      },
      domainNames: ['intranet.example.com'],
      hostedZone: HostedZone.fromHostedZoneAttributes(this, 'Zone', {
        hostedZoneId: 'Z0123456789ABCDEFGHIJ',
        zoneName: 'example.com',
      }),
      certificate: Certificate.fromCertificateArn(
        this,
        'Certificate',
        `arn:${this.partition}:acm:${region}:${account}:certificate/11111111-2222-3333-4444-555555555555`,
      ),
    });
  }
}

import { join } from 'node:path';
import { Stack } from 'aws-cdk-lib';
import { Certificate } from 'aws-cdk-lib/aws-certificatemanager';
import { ContainerImage, Secret } from 'aws-cdk-lib/aws-ecs';
import { Secret as StoredSecret } from 'aws-cdk-lib/aws-secretsmanager';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { ContainerHealthCheck, DatabaseVariables, DjangoApplication, Profile } from 'cdk-django-fargate';
import type { Construct } from 'constructs';

/**
 * An API that is not the example: no page at `/`, an admin elsewhere, its own names for the database, and a
 * secret and a parameter that somebody else made.
 */
export class InventoryStack extends Stack {
  constructor(scope: Construct, id: string) {
    super(scope, id);
    new DjangoApplication(this, 'App', {
      profile: Profile.development(),
      image: ContainerImage.fromAsset(join(__dirname, 'app')),
      settingsModule: 'inventory.settings',
      domainNames: ['inventory.example.com'],
      certificate: Certificate.fromCertificateArn(
        this,
        'Certificate',
        'arn:aws:acm:eu-central-1:123456789012:certificate/12345678-1234-1234-1234-123456789012',
      ),
      databaseOptions: {
        variables: DatabaseVariables.of({
          host: 'DB_HOST',
          port: 'DB_PORT',
          name: 'DB_NAME',
          user: 'DB_USER',
          password: 'DB_PASSWORD',
        }),
      },
      secrets: {
        EMAIL_HOST_PASSWORD: Secret.fromSecretsManager(
          StoredSecret.fromSecretNameV2(this, 'Mail', 'inventory/mail'),
          'password',
        ),
        GEOCODER_TOKEN: Secret.fromSsmParameter(
          StringParameter.fromSecureStringParameterAttributes(this, 'Geocoder', {
            parameterName: '/inventory/geocoder',
          }),
        ),
      },
      web: { healthCheckPath: '/alive/' },
      queues: { default: {}, imports: {} },
      workers: {
        default: { healthCheck: ContainerHealthCheck.none() },
        imports: { queueNames: ['imports'], healthCheck: ContainerHealthCheck.none() },
      },
    });
  }
}

import { Annotations, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';

/** Regions where CloudFormation has no resources of Amazon SES; `npm run cfn-lint` compares. */
export const WITHOUT_SES = [
  'ap-east-1',
  'ap-east-2',
  'ap-southeast-4',
  'ap-southeast-6',
  'ap-southeast-7',
  'cn-north-1',
  'cn-northwest-1',
  'eu-south-2',
  'mx-central-1',
];

/** Warns of a deployment that fails. It is no error: Amazon SES comes to Regions before we know of it. */
export function warnWithoutSes(scope: Construct): void {
  const { region } = Stack.of(scope);
  if (WITHOUT_SES.includes(region)) {
    Annotations.of(scope).addWarningV2(
      'cdk-django-fargate:sesRegion',
      `CloudFormation has no resources of Amazon SES in ${region}, so this stack cannot be deployed there. Bring an identity of another Region with \`Mail.fromMailAttributes()\` as \`outgoingMail\`, or leave \`mail\` out.`,
    );
  }
}

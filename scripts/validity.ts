import type { App, AppProps } from 'aws-cdk-lib';
import recommendedFlags from 'aws-cdk-lib/recommended-feature-flags.json';
import { complaintsIn, reportsOf } from './validation-report';

/**
 * No feature flag at all, as in an app that is older than the library, and all that `cdk init` would write
 * today.
 */
export const FLAGS: { [name: string]: { [flag: string]: unknown } } = {
  'no feature flags': {},
  'the recommended feature flags': recommendedFlags,
};

export const STRICT = {
  '@aws-cdk/core:validateAgainstDefaultRules': true,
  '@aws-cdk/core:strictCfnValidateErrors': true,
  '@aws-cdk/core:failSynthOnValidationErrors': false,
};

/**
 * Every complaint, errors and warnings alike, of the template validation that is built into the CDK, and
 * every warning of its constructs: ours are meant for whoever wrote the props, theirs for us.
 * The app is made by `make`, which must hand on the props. Needs CDK_VALIDATION other than `false`.
 */
export function complaintsOf(make: (props: AppProps) => App, flags: { [flag: string]: unknown } = {}): string[] {
  const reports = reportsOf((outdir) => make({ context: { ...flags, ...STRICT }, outdir }));
  return [
    ...complaintsIn(reports.filter(({ pluginName }) => pluginName === 'CloudFormation Validate')),
    ...complaintsIn(reports.filter(({ pluginName }) => pluginName === 'Construct Annotations')).filter(
      (complaint) => !complaint.includes(' Annotation::cdk-django-fargate:'),
    ),
  ];
}

import { isReusableStackSynthesizer, type Stack, type StackProps, Token } from 'aws-cdk-lib';
import { RegionInfo } from 'aws-cdk-lib/region-info';
import type { DjangoApplicationProps } from '../constructs/application/django-application-props';
import { Checks } from '../constructs/core/checks';
import { profileValues } from '../constructs/core/profile';
import { EDGE_REGION } from '../constructs/edge/edge-region';
import { EdgeStack } from './edge-stack';

/** What an application says of its distribution. */
type Distributed = Pick<
  DjangoApplicationProps,
  'cdn' | 'certificate' | 'domainNames' | 'firewallOptions' | 'hostedZone' | 'profile' | 'redirectedDomainNames'
>;

/**
 * How both stacks are deployed. Topics for notifications are not among it: they are of one Region.
 *
 * A permissions boundary is inherited, since one stack stands in the other.
 */
type Deployed = Pick<StackProps, 'synthesizer' | 'tags'>;

/**
 * What a distribution uses of us-east-1 and nobody brings, in a stack there: none where the stack of the
 * application is there itself, or does not know where it is.
 */
export function edgeFor(
  stack: Stack,
  application: Distributed,
  { synthesizer, tags }: Deployed = {},
): EdgeStack | undefined {
  const { cdn, domainNames = [], redirectedDomainNames, hostedZone, profile, firewallOptions } = application;
  if (cdn === undefined || !isElsewhere(stack)) {
    return undefined;
  }
  const isCertified = cdn.certificate === undefined && hostedZone !== undefined && domainNames.length > 0;
  const webFirewall = cdn.webAclArn === undefined && profileValues(profile).webFirewall;
  if (!isCertified && !webFirewall) {
    return undefined;
  }
  checkSynthesizer(stack, synthesizer);
  return new EdgeStack(stack, 'Edge', {
    stackName: `${stack.stackName}-Edge-${stack.region}`, // Stacks of one name may be in several Regions.
    description: `Certificate and firewall of the distribution of ${stack.stackName}`,
    env: { account: stack.account, region: EDGE_REGION },
    synthesizer,
    tags,
    ...(isCertified && { domainNames, redirectedDomainNames, hostedZone }),
    ...(webFirewall && { firewallOptions }),
    webFirewall,
    profile,
  });
}

/** The CDK would refuse it, too, without saying which two stacks it means. */
function checkSynthesizer(stack: Stack, synthesizer: StackProps['synthesizer']): void {
  new Checks(stack)
    .optional(
      'synthesizer',
      synthesizer,
      () => isReusableStackSynthesizer(synthesizer as NonNullable<typeof synthesizer>),
      {
        must: 'be one that several stacks can share, with `reusableBind`: `cdn` makes a second stack, in us-east-1',
        remedy:
          'Use DefaultStackSynthesizer, or bring `cdn.certificate` and `cdn.webAclArn`, so that there is no second stack.',
      },
    )
    .throwIfAny();
}

/** The props of the application with what the stack in us-east-1 has for them. */
export function withEdge<T extends Distributed>(application: T, edge: EdgeStack | undefined, stack: Stack): T {
  if (edge === undefined) {
    return application;
  }
  const certificate = edge.certificate && edge.certificateFor(stack);
  const webAclArn = edge.webFirewall && edge.webAclArnFor(stack);
  return {
    ...application,
    firewallOptions: webAclArn === undefined ? application.firewallOptions : undefined,
    cdn: { ...application.cdn, ...(certificate && { certificate }), ...(webAclArn && { webAclArn }) },
  };
}

/** Whether the stack is known to be in another Region of the partition that CloudFront is in. */
function isElsewhere({ account, region }: Stack): boolean {
  if (Token.isUnresolved(account) || Token.isUnresolved(region)) {
    return false;
  }
  return region !== EDGE_REGION && (RegionInfo.get(region).partition ?? 'aws') === 'aws';
}

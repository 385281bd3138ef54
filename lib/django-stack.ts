import { type CfnElement, CfnOutput, Fn, Stack, type StackProps, Token } from 'aws-cdk-lib';
import { HostedZone, type IHostedZone } from 'aws-cdk-lib/aws-route53';
import type { Construct, IDependable } from 'constructs';
import { DjangoApplication } from '../constructs/application/django-application';
import type { DjangoApplicationProps } from '../constructs/application/django-application-props';
import { fargateVcpu, vcpuText } from '../constructs/application/fargate-vcpu';
import { TerminationProtection } from '../constructs/application/termination-protection';
import { Checks, writtenAs } from '../constructs/core/checks';
import { checkEffects, type Effects, needsOneOf, voidBeside } from '../constructs/core/effects';
import { checkKinds, onlyKnown, pathOf } from '../constructs/core/kinds';
import { Profile } from '../constructs/core/profile';
import { HOST_NAME_IN_ANY_CASE, hostNamesOf } from '../constructs/edge/host-names';
import { edgeFor, withEdge } from './edge-for';
import type { EdgeStack } from './edge-stack';

/** Properties of `DjangoStack`. */
export interface DjangoStackProps extends StackProps, DjangoApplicationProps {
  /**
   * The one domain name of the application; `domainNames` takes several.
   *
   * @default - none
   */
  readonly domainName?: string;
  /**
   * Id of the hosted zone of the domain name.
   *
   * @default - looked up by `hostedZoneName`, which needs credentials and a stack with account and region
   */
  readonly hostedZoneId?: string;
  /**
   * Name of the hosted zone.
   *
   * @default - the domain name without its first label, where that leaves a domain
   */
  readonly hostedZoneName?: string;
}

/**
 * One Django application in a stack of its own, with outputs that are ready to paste: its address, its logs,
 * a one-off command and a shell.
 *
 * @example
 * new DjangoStack(app, 'Shop', {
 *   image: ecs.ContainerImage.fromAsset('app'),
 *   settingsModule: 'config.settings',
 *   domainName: 'shop.example.com',
 *   hostedZoneId: 'Z0123456789ABCDEFGHIJ',
 *   profile: Profile.production(),
 * });
 *
 * @see https://docs.aws.amazon.com/cdk/v2/guide/stacks.html
 */
export class DjangoStack extends Stack {
  /** The application in the stack. */
  public readonly application: DjangoApplication;
  /**
   * The stack in us-east-1 with certificate and firewall of the distribution, where `cdn` asks for one,
   * account and region are known, and the region is another one. It is deployed before this stack, and has
   * its `synthesizer` and its `tags`.
   */
  public readonly edge?: EdgeStack;
  private logicalIds?: Map<CfnElement, string>;

  constructor(scope: Construct, id: string, props: DjangoStackProps) {
    checkKinds(pathOf(scope, id), 'DjangoStackProps', props, new.target !== DjangoStack);
    checkStackProps(pathOf(scope, id), props);
    super(scope, id, {
      terminationProtection: isProduction(props.profile),
      suppressTemplateIndentation: true, // A quarter of the file is white space otherwise, and CloudFormation counts it.
      ...props,
    });
    checkDomain(this, props);
    if (props.domainNames === undefined) {
      writtenAs(this, { 'domainNames[0]': 'domainName', domainNames: 'domainName' });
    }
    if (props.hostedZone === undefined) {
      writtenAs(this, { hostedZone: 'hostedZoneId' });
    }

    const first = this.terminationProtection
      ? new TerminationProtection(this, 'TerminationProtection', {
          profile: props.profile,
          reservedConcurrentExecutions: props.handlerReservedConcurrency,
        })
      : undefined;
    const { domainName, hostedZoneId, hostedZoneName, ...known } = props;
    const application = {
      ...onlyKnown('DjangoApplicationProps', known),
      domainNames: props.domainNames ?? (domainName === undefined ? undefined : [domainName]),
      hostedZone: props.hostedZone ?? hostedZone(this, props),
    };
    this.edge = edgeFor(this, application, props);
    this.application = new DjangoApplication(this, 'App', withEdge(application, this.edge, this));
    if (first !== undefined) {
      makeAfter(first.ready, this.application);
    }
    outputs(this, this.application);
  }

  /**
   * The zones by position, not by name: the same template with and without an account, and no lookup that
   * needs credentials.
   */
  public override get availabilityZones(): string[] {
    return [0, 1, 2].map((index) => Fn.select(index, Fn.getAzs()));
  }

  /**
   * The same ids as ever.
   *
   * CDK hashes the path anew for every reference, three thousand times in an application; here once for each
   * resource.
   */
  protected override allocateLogicalId(cfnElement: CfnElement): string {
    this.logicalIds ??= new Map();
    const known = this.logicalIds.get(cfnElement);
    if (known !== undefined) {
      return known;
    }
    const logicalId = super.allocateLogicalId(cfnElement);
    this.logicalIds.set(cfnElement, logicalId);
    return logicalId;
  }
}

function isProduction(profile: Profile = Profile.production()): boolean {
  return profile.name === 'production';
}

const OWN_ZONE = voidBeside<DjangoStackProps>('hostedZone', '`hostedZone` is used as you bring it');
const OWN_LOAD_BALANCER = voidBeside<DjangoStackProps>('loadBalancer', '`loadBalancer` is used as you bring it');
const NO_DOMAIN = needsOneOf<DjangoStackProps>(
  ['domainName', 'domainNames'],
  'Add the name under which the application answers.',
);
const EFFECTS: Effects<DjangoStackProps> = {
  domainName: [voidBeside('domainNames', '`domainNames` holds all names, the main one first'), OWN_LOAD_BALANCER],
  hostedZoneId: [OWN_ZONE, OWN_LOAD_BALANCER, NO_DOMAIN],
  hostedZoneName: [OWN_ZONE, OWN_LOAD_BALANCER, NO_DOMAIN],
};

/** What the CDK takes as it comes: a string would mean something else, or nothing. */
function checkStackProps(path: string, { env, terminationProtection }: DjangoStackProps): void {
  new Checks(path)
    .optional('env', env, () => typeof env === 'object', {
      must: 'be an object with `account` and `region`',
      remedy: "Write it as in { account: '111122223333', region: 'eu-central-1' }.",
    })
    .optional('terminationProtection', terminationProtection, () => typeof terminationProtection === 'boolean', {
      must: 'be true or false',
      remedy: "What comes from `-c name=value` is a string: compare it, as in value === 'true'.",
    })
    .throwIfAny();
}

function checkDomain(stack: Stack, props: DjangoStackProps): void {
  const known = !Token.isUnresolved(stack.account) && !Token.isUnresolved(stack.region);
  const checks = new Checks(stack);
  checkEffects(checks, props, EFFECTS);
  checks
    .that('hostedZoneId', props.hostedZoneId, !needsZone(props) || props.hostedZoneId !== undefined || known, {
      must: 'be given with a domain name when the stack has no account and region',
      remedy:
        'Give the id of the hosted zone, or credentials and an `env`, so that it can be looked up; or bring a `hostedZone` or a `certificate`.',
    })
    .matches('hostedZoneId', props.hostedZoneId, /^Z[A-Z0-9]{5,31}$/, {
      must: 'be the id of a hosted zone',
      remedy: 'Copy it from Route 53; it starts with Z.',
    })
    .matches('domainName', props.domainName, HOST_NAME_IN_ANY_CASE, {
      must: 'be a host name, without scheme, port, path or wildcard',
      remedy: 'Write it as in shop.example.com.',
    })
    .matches('hostedZoneName', props.hostedZoneName?.replace(/\.$/, ''), HOST_NAME_IN_ANY_CASE, {
      must: 'be the name of a hosted zone, without scheme, port, path or wildcard',
      remedy: 'Write it as Route 53 shows it, as in example.com.',
    })
    .throwIfAny();
}

/**
 * Makes the application after termination protection, except for its key: a key takes as long, hardly ever
 * fails, and the database waits for it.
 */
function makeAfter(first: IDependable, application: DjangoApplication): void {
  for (const part of application.node.children.filter((child) => child !== application.encryptionKey)) {
    part.node.addDependency(first);
  }
}

/** Whether the hosted zone is to be found: it is asked for, or nothing else can validate the certificate. */
function needsZone(props: DjangoStackProps): boolean {
  const named = props.domainName !== undefined || props.domainNames !== undefined;
  const asked = props.hostedZoneId !== undefined || props.hostedZoneName !== undefined;
  const brought = props.hostedZone ?? props.loadBalancer;
  return named && brought === undefined && (asked || props.certificate === undefined);
}

function hostedZone(stack: Stack, props: DjangoStackProps): IHostedZone | undefined {
  const domainName = props.domainName ?? props.domainNames?.[0];
  if (domainName === undefined || !needsZone(props)) {
    return undefined;
  }
  const zoneName = props.hostedZoneName ?? parentDomain(domainName);
  return props.hostedZoneId === undefined
    ? HostedZone.fromLookup(stack, 'Zone', { domainName: zoneName })
    : HostedZone.fromHostedZoneAttributes(stack, 'Zone', { hostedZoneId: props.hostedZoneId, zoneName });
}

/** `shop.example.com` lies in `example.com`; `example.com` in itself. */
function parentDomain(domainName: string): string {
  const labels = domainName.split('.');
  return labels.length > 2 ? labels.slice(1).join('.') : domainName;
}

function outputs(stack: Stack, application: DjangoApplication): void {
  const { cluster, logGroup, release, web, asgi, workers, beat, scheduledCommands } = application;
  const shell = web ?? asgi;
  const print = (id: string, description: string, value: string) => new CfnOutput(stack, id, { description, value });

  print(
    'Url',
    `Where ${hostNamesOf(application.loadBalancer).length > 1 ? 'the application answers first' : 'the application answers'}.`,
    application.url,
  );
  print(
    'LogsCommand',
    'Follows the logs of every process.',
    `aws logs tail ${logGroup.logGroupName} --follow --region ${stack.region}`,
  );
  print(
    'OneOffCommand',
    'Runs the release command once, in a task of its own; put another command into --overrides.',
    release.runTaskCommand,
  );
  const services = [web, asgi, ...Object.values(workers), beat].filter((service) => service !== undefined);
  print(
    'FargateVcpu',
    'vCPU of Fargate that runs at once: compare it with the quotas of the account.',
    vcpuText(fargateVcpu({ services, beat, release, scheduledCommands, databaseDump: application.databaseDump })),
  );
  if (shell !== undefined) {
    print(
      'ShellCommand',
      'Opens a Django shell in a running task; the service needs enableExecuteCommand.',
      `aws ecs execute-command --interactive --region ${stack.region} --cluster ${cluster.clusterName} --command "python manage.py shell" --task $(aws ecs list-tasks --region ${stack.region} --cluster ${cluster.clusterName} --service-name ${shell.service.serviceName} --query "taskArns[0]" --output text)`,
    );
  }
}

import { Annotations, Duration, RemovalPolicy, Stack, type StackProps, type Stage, Token } from 'aws-cdk-lib';
import {
  BuildSpec,
  type CfnProject,
  type IBuildImage,
  LinuxArmBuildImage,
  LinuxBuildImage,
} from 'aws-cdk-lib/aws-codebuild';
import { type Artifact, type IStage, Pipeline, PipelineType } from 'aws-cdk-lib/aws-codepipeline';
import { CodeStarConnectionsSourceAction } from 'aws-cdk-lib/aws-codepipeline-actions';
import { CpuArchitecture } from 'aws-cdk-lib/aws-ecs';
import { EventField, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { SnsTopic } from 'aws-cdk-lib/aws-events-targets';
import { ArnPrincipal, PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { BlockPublicAccess, Bucket, BucketEncryption } from 'aws-cdk-lib/aws-s3';
import type { ITopic } from 'aws-cdk-lib/aws-sns';
import {
  CodePipeline,
  type CodePipelineActionFactoryResult,
  CodePipelineSource,
  ConfirmPermissionsBroadening,
  FileSet,
  ManualApprovalStep,
  type ProduceActionOptions,
  ShellStep,
} from 'aws-cdk-lib/pipelines';
import type { Construct } from 'constructs';
import { Checks } from '../constructs/core/checks';
import { checkKinds, pathOf } from '../constructs/core/kinds';
import { logGroup } from '../constructs/core/log-group';

/** The CDK CLI that deploys: later ones marked `latest` cannot read what this version of the CDK writes. */
const CLI_VERSION = '2.1148.1';
/**
 * What publishes assets: its major version. It must be newer than the format that the CDK writes; 4.7.3 of
 * September 2026 reads format 54 at most, and this CDK writes 55.
 */
const ASSETS_VERSION = '4';
const NODE_VERSION = 22;
/** Regions in which CloudFormation does not have AWS::CodeBuild::Project; `npm run cfn-lint` compares. */
export const WITHOUT_CODEBUILD = ['ap-east-2', 'ca-west-1', 'mx-central-1'];

/** Properties of `PipelineStack`. */
export interface PipelineStackProps extends StackProps {
  /** The repository, as `owner/name`. */
  readonly repository: string;
  /**
   * ARN of the connection to the repository's host, made once in the console under Developer Tools,
   * Connections.
   */
  readonly connectionArn: string;
  /** Stage that every new version is deployed to without asking. */
  readonly staging: Stage;
  /**
   * Stage that is deployed after somebody approves.
   *
   * The approval points out permissions that become broader.
   */
  readonly production: Stage;
  /**
   * The branch that is deployed.
   *
   * @default 'main'
   */
  readonly branch?: string;
  /**
   * Commands that prepare the build.
   *
   * @default - `npm ci`
   */
  readonly installCommands?: string[];
  /**
   * Commands that test and synthesize.
   *
   * They must leave the assembly in `primaryOutputDirectory`.
   *
   * @default - `npm test` and `npx cdk synth`
   */
  readonly synthCommands?: string[];
  /**
   * Folder that the commands leave the assembly in.
   *
   * @default 'cdk.out'
   */
  readonly primaryOutputDirectory?: string;
  /**
   * Whether the commands may use Docker: for tests or bundling.
   *
   * Images are built later either way.
   *
   * @default false
   */
  readonly dockerEnabledForSynth?: boolean;
  /**
   * Whether the pipeline changes itself when its own definition in the repository changes.
   *
   * It then does so before anybody approves, with a role that may assume the deployment roles of its account.
   * With false, somebody deploys the stack of the pipeline by hand after each change of a stage's assets or
   * of the pipeline. **It is no boundary either way: the build runs code of the branch, and what it
   * synthesizes is deployed.** Protect the branch with reviews.
   *
   * @default true
   */
  readonly selfMutation?: boolean;
  /**
   * Architecture that images are built on.
   *
   * Take that of the tasks: emulation takes many times longer.
   *
   * @default CpuArchitecture.ARM64
   */
  readonly cpuArchitecture?: CpuArchitecture;
  /**
   * SNS topic notified when a deployment would broaden permissions, and when the pipeline fails.
   *
   * The policy of a topic that is imported, and its key, must let `events.amazonaws.com` publish.
   *
   * @default - shown in the pipeline only
   */
  readonly notificationTopic?: ITopic;
  /**
   * How long build logs are kept.
   *
   * @default RetentionDays.ONE_YEAR
   */
  readonly logRetention?: RetentionDays;
  /**
   * What happens to artifacts, their key and logs when they leave the stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * A pipeline that deploys every environment from a repository: test and synthesize, staging, approval,
 * production.
 *
 * It updates itself first when its own definition changes, unless `selfMutation` is false. Artifacts and logs
 * are encrypted with one key that rotates, which lets stages live in other accounts. Production waits for a
 * person, after a check that shows which permissions become broader. The CDK CLI is pinned wherever it runs.
 *
 * **The approval is a pause and no boundary: who may push to the branch can remove it.** Boundaries are the
 * review of the branch, an account of its own for production, and the policies that `cdk bootstrap
 * --cloudformation-execution-policies` gives to deployments there.
 *
 * @example
 * declare const staging: Stage;
 * declare const production: Stage;
 * new PipelineStack(this, 'Pipeline', {
 *   repository: 'example/shop',
 *   connectionArn: 'arn:aws:codeconnections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555',
 *   staging,
 *   production,
 * });
 *
 * @see https://docs.aws.amazon.com/cdk/v2/guide/cdk-pipeline.html
 */
export class PipelineStack extends Stack {
  /** The pipeline. */
  public readonly pipeline: CodePipeline;

  constructor(scope: Construct, id: string, props: PipelineStackProps) {
    checkKinds(pathOf(scope, id), 'PipelineStackProps', props, new.target !== PipelineStack);
    super(scope, id, props);
    validate(this, props);
    if (WITHOUT_CODEBUILD.includes(this.region)) {
      Annotations.of(this).addWarningV2(
        'cdk-django-fargate:codeBuild',
        `CloudFormation has no projects of AWS CodeBuild in ${this.region}, so this stack cannot be deployed there. Give the pipeline another region in \`env\`; its stages may stay where they are.`,
      );
    }

    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    const key = new Key(this, 'Key', { description: 'Artifacts and logs', enableKeyRotation: true, removalPolicy });
    const logs = logGroup(this, 'Logs', {
      encryptionKey: key,
      logRetention: props.logRetention ?? RetentionDays.ONE_YEAR,
      removalPolicy,
    });
    const underlying = new Pipeline(this, 'Underlying', {
      pipelineType: PipelineType.V2,
      crossAccountKeys: true,
      artifactBucket: artifactBucket(this, key, removalPolicy),
      restartExecutionOnUpdate: true,
    });
    if (props.notificationTopic !== undefined) {
      reportFailures(underlying, props.notificationTopic);
    }
    this.pipeline = new CodePipeline(this, 'Pipeline', {
      codePipeline: underlying,
      cliVersion: CLI_VERSION,
      cdkAssetsCliVersion: ASSETS_VERSION,
      publishAssetsInParallel: false, // A new account runs one build at a time.
      dockerEnabledForSynth: props.dockerEnabledForSynth ?? false,
      selfMutation: props.selfMutation ?? true,
      synth: new ShellStep('Synth', {
        input: new ConnectionSource(connectionRole(this, underlying, props.connectionArn), props),
        installCommands: props.installCommands ?? ['npm ci'],
        commands: props.synthCommands ?? ['npm test', 'npx cdk synth'],
        primaryOutputDirectory: props.primaryOutputDirectory,
      }),
      codeBuildDefaults: {
        partialBuildSpec: BuildSpec.fromObject({
          phases: { install: { 'runtime-versions': { nodejs: NODE_VERSION } } },
        }),
        logging: { cloudWatch: { logGroup: logs } },
      },
      assetPublishingCodeBuildDefaults: { buildEnvironment: { buildImage: buildImage(props.cpuArchitecture) } },
    });

    this.pipeline.addStage(props.staging);
    const check = new PinnedPermissionsCheck('ConfirmPermissions', {
      stage: props.production,
      notificationTopic: props.notificationTopic,
    });
    const approval = new ManualApprovalStep('Approve', {
      comment: 'Staging runs this version. Deploy it to production?',
    });
    approval.addStepDependency(check);
    this.pipeline.addStage(props.production, { pre: [check, approval] });
  }
}

/**
 * A repository behind a connection, read with a role of ours.
 *
 * The CDK lets its own role use the connection under the older name of the service only.
 */
class ConnectionSource extends CodePipelineSource {
  constructor(
    private readonly role: Role,
    private readonly from: Pick<PipelineStackProps, 'repository' | 'branch' | 'connectionArn'>,
  ) {
    super(from.repository);
    this.configurePrimaryOutput(new FileSet('Source', this));
  }

  protected override getAction(output: Artifact, actionName: string, runOrder: number, variablesNamespace?: string) {
    const [owner, ...repository] = this.from.repository.split('/');
    return new CodeStarConnectionsSourceAction({
      output,
      actionName,
      runOrder,
      variablesNamespace,
      owner,
      repo: repository.join('/'),
      branch: this.from.branch ?? 'main',
      connectionArn: this.from.connectionArn,
      role: this.role,
    });
  }
}

/** The CDK's check, which by itself installs whichever CLI is the latest. */
class PinnedPermissionsCheck extends ConfirmPermissionsBroadening {
  public override produceAction(stage: IStage, options: ProduceActionOptions): CodePipelineActionFactoryResult {
    const result = super.produceAction(stage, options);
    const project = options.pipeline.node.tryFindChild('PipelinesSecurityCheck')?.node.tryFindChild('CDKSecurityCheck');
    const cfn = project?.node.defaultChild as CfnProject | undefined;
    if (cfn !== undefined) {
      const source = Stack.of(cfn).resolve(cfn.source);
      const pinned = JSON.stringify(source.buildSpec).replace(
        'npm install -g aws-cdk',
        `npm install -g aws-cdk@${CLI_VERSION}`,
      );
      cfn.source = { ...source, buildSpec: Token.asString(JSON.parse(pinned)) };
    }
    return result;
  }
}

function connectionRole(scope: Construct, pipeline: Pipeline, connectionArn: string): Role {
  const role = new Role(scope, 'SourceRole', {
    description: 'Lets the pipeline read the repository',
    assumedBy: new ArnPrincipal(pipeline.role.roleArn),
  });
  // AWS renamed the service, and looks for the prefix that the connection was made under.
  const actions = ['codeconnections:UseConnection', 'codestar-connections:UseConnection'];
  role.addToPolicy(new PolicyStatement({ actions, resources: [connectionArn] }));
  return role;
}

function reportFailures(pipeline: Pipeline, topic: ITopic): void {
  const execution = EventField.fromPath('$.detail.execution-id');
  const text =
    `Execution ${execution} of the pipeline ${pipeline.pipelineName} failed at ${EventField.time}. ` +
    'Look at the stage that failed in the console of CodePipeline: its log says why. Retry the stage there, or push a mend.';
  pipeline.onStateChange('Failures', {
    description: 'Executions of the pipeline that failed',
    eventPattern: { detail: { state: ['FAILED'] } },
    target: new SnsTopic(topic, { message: RuleTargetInput.fromText(text) }),
  });
}

function artifactBucket(scope: Construct, encryptionKey: Key, removalPolicy: RemovalPolicy): Bucket {
  return new Bucket(scope, 'Artifacts', {
    encryption: BucketEncryption.KMS,
    encryptionKey,
    bucketKeyEnabled: true,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    enforceSSL: true,
    versioned: true,
    lifecycleRules: [
      {
        expiration: Duration.days(90),
        noncurrentVersionExpiration: Duration.days(30),
        abortIncompleteMultipartUploadAfter: Duration.days(7),
      },
    ],
    removalPolicy,
  });
}

function buildImage(cpuArchitecture: CpuArchitecture = CpuArchitecture.ARM64): IBuildImage {
  return cpuArchitecture === CpuArchitecture.X86_64
    ? LinuxBuildImage.AMAZON_LINUX_2023_5
    : LinuxArmBuildImage.AMAZON_LINUX_2023_STANDARD_3_0;
}

function validate(scope: Construct, props: PipelineStackProps): void {
  const checks = new Checks(scope)
    .matches('repository', props.repository, /^\w[\w.-]*(\/\w[\w.-]*)+(?<!\.git)$/, {
      must: 'be owner/name',
      remedy: 'Leave out the host, the protocol and ".git".',
    })
    .matches(
      'connectionArn',
      props.connectionArn,
      /^arn:[a-z-]+:(codeconnections|codestar-connections):[a-z0-9-]+:\d{12}:connection\/\S+$/,
      {
        must: 'be the ARN of a connection',
        remedy: 'Make the connection in the console under Developer Tools, Connections, and copy its ARN.',
      },
    )
    .matches(
      'branch',
      props.branch,
      /^(?!refs\/)(?!.*(\.\.|\/\/|\.lock$|[/.]$))[^\s~^:?*[\\./-][^\s~^:?*[\\]{0,254}$/,
      {
        must: 'be the name of a branch',
        remedy: 'Write it as `git branch` shows it, without refs/heads/, or leave it out for main.',
      },
    )
    .matches('primaryOutputDirectory', props.primaryOutputDirectory, /^(?!\/)(?!.*(^|\/)\.\.(\/|$)).*\S.*$/, {
      must: 'be a folder below the one that the commands run in',
      remedy: 'Leave it out for cdk.out.',
    })
    .that('production', props.production.node.path, props.production !== props.staging, {
      must: 'be another stage than `staging`',
      remedy: 'Make two stages.',
    });
  for (const prop of ['installCommands', 'synthCommands'] as const) {
    for (const [index, command] of (props[prop] ?? []).entries()) {
      checks.matches(`${prop}[${index}]`, command, /\S/, {
        must: 'be a command',
        remedy: 'Give a line of a shell, or leave it out.',
      });
    }
  }
  checks
    .optional('synthCommands', props.synthCommands, () => (props.synthCommands as string[]).length > 0, {
      must: 'hold at least one command',
      remedy: 'Leave it out for npm test and npx cdk synth.',
    })
    .throwIfAny();
}

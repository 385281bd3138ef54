import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack, Stage } from 'aws-cdk-lib';
import { CpuArchitecture } from 'aws-cdk-lib/aws-ecs';
import { Code, Function as LambdaFunction, Runtime } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { Topic } from 'aws-cdk-lib/aws-sns';
import { NotesPipelineStack } from '../../examples/pipeline/stack';
import { PipelineStack, type PipelineStackProps, WITHOUT_CODEBUILD } from '../../lib/pipeline-stack';
import { Annotations, errorOf, Match, only, Template } from '../support';

const connectionArn =
  'arn:aws:codeconnections:eu-central-1:111122223333:connection/11111111-2222-3333-4444-555555555555';

function stageOf(app: App, id: string, account?: string): Stage {
  const stage = new Stage(app, id, { env: { account, region: account && 'eu-central-1' } });
  const stack = new Stack(stage, 'Shop');
  new LambdaFunction(stack, 'Asset', { runtime: Runtime.NODEJS_22_X, handler: 'x.y', code: Code.fromAsset(__dirname) });
  return stage;
}

function pipelineOf(props: Partial<PipelineStackProps> = {}, accounts: [string?, string?] = []): PipelineStack {
  const app = new App();
  return new PipelineStack(app, 'Pipeline', {
    repository: 'example/shop',
    connectionArn,
    staging: stageOf(app, 'Staging', accounts[0]),
    production: stageOf(app, 'Production', accounts[1]),
    ...props,
  });
}

type Resource = ReturnType<typeof only>['resource'];

function one(template: Template, type: string, is: (resource: Resource) => boolean): ReturnType<typeof only> {
  const found = Object.entries(template.findResources(type)).filter(([, resource]) => is(resource));
  expect(found).toHaveLength(1);
  return { id: found[0][0], resource: found[0][1] };
}

interface Action {
  readonly Name: string;
  readonly RunOrder: number;
  readonly Configuration: { [name: string]: string };
}

describe('a pipeline with nothing chosen', () => {
  const stack = pipelineOf();
  const template = Template.fromStack(stack);
  const { Stages: stages, ...pipeline } = only(template, 'AWS::CodePipeline::Pipeline').resource.Properties;
  const actions = (name: string): Action[] => stages.find((stage: { Name: string }) => stage.Name === name).Actions;
  const key = { 'Fn::GetAtt': [only(template, 'AWS::KMS::Key').id, 'Arn'] };
  const buildSpecs = () =>
    Object.values(template.findResources('AWS::CodeBuild::Project')).map(({ Properties }) => ({
      image: Properties.Environment.Image,
      logs: Properties.LogsConfig?.CloudWatchLogs,
      spec: JSON.parse(JSON.stringify(Properties.Source.BuildSpec)) as string | object,
    }));

  test('is of type V2 and goes from the repository over staging to production', () => {
    expect(pipeline.PipelineType).toBe('V2');
    expect(stages.map((stage: { Name: string }) => stage.Name)).toEqual([
      'Source',
      'Build',
      'UpdatePipeline',
      'Assets',
      'Staging',
      'Production',
    ]);
    expect(actions('Source')[0].Configuration).toMatchObject({
      ConnectionArn: connectionArn,
      FullRepositoryId: 'example/shop',
      BranchName: 'main',
    });
  });

  test('tests before it synthesizes, on a pinned Node', () => {
    const synth = buildSpecs().find(({ spec }) => typeof spec === 'string' && spec.includes('npm test'));
    const spec = JSON.parse(synth?.spec as string);
    expect(spec.phases.install).toEqual({ 'runtime-versions': { nodejs: 22 }, commands: ['npm ci'] });
    expect(spec.phases.build.commands).toEqual(['npm test', 'npx cdk synth']);
    expect(spec.artifacts['base-directory']).toBe('cdk.out');
  });

  test('updates itself, looks for broader permissions and publishes with pinned versions, whatever is the latest', () => {
    const { outdir } = stack.node.root as App;
    const files = readdirSync(outdir).filter((file) => file.startsWith('buildspec-'));
    const specs = [JSON.stringify(buildSpecs()), ...files.map((file) => readFileSync(join(outdir, file), 'utf8'))];
    const installed = [...specs.join().matchAll(/npm install -g ([^\s"\\]+)/g)].map(([, what]) => what);
    expect(new Set(installed)).toEqual(new Set(['aws-cdk@2.1148.1', 'cdk-assets@4']));
    expect(installed.filter((what) => what.startsWith('aws-cdk@'))).toHaveLength(2);
    const check = one(template, 'AWS::CodeBuild::Project', ({ Properties }) =>
      JSON.stringify(Properties.Source.BuildSpec).includes('--security-only'),
    ).resource.Properties.Source.BuildSpec;
    const [, parts] = check['Fn::Join'] as [string, (string | object)[]];
    const spec = JSON.parse(parts.map((part) => (typeof part === 'string' ? part : 'function')).join(''));
    expect(spec.phases.build.commands[0]).toBe('npm install -g aws-cdk@2.1148.1');
    expect(spec.env['exported-variables']).toEqual(['LINK', 'MESSAGE']);
  });

  test('publishes files in one build, not in one each', () => {
    expect(actions('Assets').map(({ Name }) => Name)).toEqual(['FileAssets']);
  });

  test('uses the connection under both names of the service, as a role that the pipeline alone assumes', () => {
    const { id, resource } = one(template, 'AWS::IAM::Role', ({ Properties }) =>
      Properties.Description?.includes('read the repository'),
    );
    const pipelineRole = pipeline.RoleArn;
    expect(resource.Properties.AssumeRolePolicyDocument.Statement).toEqual([
      { Action: 'sts:AssumeRole', Effect: 'Allow', Principal: { AWS: pipelineRole } },
    ]);
    template.hasResourceProperties('AWS::IAM::Policy', {
      Roles: [{ Ref: id }],
      PolicyDocument: {
        Statement: Match.arrayWith([
          {
            Action: ['codeconnections:UseConnection', 'codestar-connections:UseConnection'],
            Effect: 'Allow',
            Resource: connectionArn,
          },
        ]),
      },
    });
    const arn = { 'Fn::GetAtt': [id, 'Arn'] };
    expect(stages[0].Actions[0].RoleArn).toEqual(arn);
    template.hasResourceProperties('AWS::IAM::Policy', {
      Roles: [{ Ref: pipelineRole['Fn::GetAtt'][0] }],
      PolicyDocument: {
        Statement: Match.arrayWith([Match.objectLike({ Action: 'sts:AssumeRole', Resource: arn })]),
      },
    });
  });

  test('tells nobody of its failures unless there is a topic', () => {
    expect(JSON.stringify(template.findResources('AWS::Events::Rule'))).not.toContain('FAILED');
  });

  test('asks before production, after it has shown which permissions become broader', () => {
    const order = Object.fromEntries(actions('Production').map(({ Name, RunOrder }) => [Name, RunOrder]));
    expect(order['ConfirmPermissions.Check']).toBeLessThan(order['ConfirmPermissions.Confirm']);
    expect(order['ConfirmPermissions.Confirm']).toBeLessThan(order.Approve);
    expect(order.Approve).toBeLessThan(order['Shop.Prepare'] ?? order.Prepare);
    expect(actions('Staging').map(({ Name }) => Name)).not.toContain('Approve');
  });

  test('encrypts artifacts and logs with a key that rotates', () => {
    template.hasResourceProperties('AWS::KMS::Key', { EnableKeyRotation: true });
    expect(pipeline.ArtifactStore.EncryptionKey.Id).toEqual(key);
    template.hasResourceProperties('AWS::Logs::LogGroup', { KmsKeyId: key, RetentionInDays: 365 });
    template.hasResource('AWS::S3::Bucket', {
      DeletionPolicy: 'Retain',
      Properties: {
        BucketEncryption: {
          ServerSideEncryptionConfiguration: [
            { BucketKeyEnabled: true, ServerSideEncryptionByDefault: { KMSMasterKeyID: key, SSEAlgorithm: 'aws:kms' } },
          ],
        },
        PublicAccessBlockConfiguration: { RestrictPublicBuckets: true },
        LifecycleConfiguration: Match.anyValue(),
      },
    });
    const group = { Ref: only(template, 'AWS::Logs::LogGroup').id };
    const ours = buildSpecs().filter(({ logs }) => logs !== undefined);
    expect(ours.length).toBeGreaterThanOrEqual(3);
    expect(ours.map(({ logs }) => logs)).toEqual(ours.map(() => ({ GroupName: group, Status: 'ENABLED' })));
  });

  test('builds images on ARM, as tasks run on it', () => {
    expect(buildSpecs().map(({ image }) => image)).toContainEqual(expect.stringContaining('aarch64'));
  });
});

test('everything can be chosen', () => {
  const app = new App();
  const topic = Topic.fromTopicArn(new Stack(app, 'Elsewhere'), 'Topic', 'arn:aws:sns:eu-central-1:111122223333:ops');
  const stack = pipelineOf({
    branch: 'release',
    installCommands: ['corepack enable', 'pnpm install'],
    synthCommands: ['pnpm synth'],
    primaryOutputDirectory: 'infra/cdk.out',
    dockerEnabledForSynth: true,
    cpuArchitecture: CpuArchitecture.X86_64,
    notificationTopic: topic,
    logRetention: RetentionDays.ONE_MONTH,
  });
  const template = Template.fromStack(stack);
  template.hasResourceProperties('AWS::Logs::LogGroup', { RetentionInDays: 30 });
  template.hasResourceProperties('AWS::CodeBuild::Project', {
    Environment: { PrivilegedMode: true },
    Source: { BuildSpec: Match.serializedJson(Match.objectLike({ artifacts: { 'base-directory': 'infra/cdk.out' } })) },
  });
  const projects = JSON.stringify(template.findResources('AWS::CodeBuild::Project'));
  expect(projects).not.toContain('aarch64');
  expect(JSON.stringify(template.toJSON())).toContain('arn:aws:sns:eu-central-1:111122223333:ops');
  expect(JSON.stringify(template.toJSON())).toContain('"BranchName":"release"');
});

test('a topic hears of every execution that failed', () => {
  const arn = 'arn:aws:sns:eu-central-1:111122223333:ops';
  const notificationTopic = Topic.fromTopicArn(new Stack(new App(), 'Elsewhere'), 'Topic', arn);
  const template = Template.fromStack(pipelineOf({ notificationTopic }));
  const { resource } = one(template, 'AWS::Events::Rule', ({ Properties }) =>
    JSON.stringify(Properties.EventPattern).includes('FAILED'),
  );
  expect(resource.Properties.EventPattern).toEqual({
    source: ['aws.codepipeline'],
    'detail-type': ['CodePipeline Pipeline Execution State Change'],
    resources: [{ 'Fn::Join': ['', expect.anything()] }],
    detail: { state: ['FAILED'] },
  });
  expect(JSON.stringify(resource.Properties.EventPattern.resources)).toContain(
    only(template, 'AWS::CodePipeline::Pipeline').id,
  );
  const [{ Arn, InputTransformer }] = resource.Properties.Targets;
  expect(Arn).toBe(arn);
  expect(InputTransformer.InputPathsMap).toMatchObject({ time: '$.time' });
  expect(JSON.stringify(InputTransformer.InputTemplate)).toContain('Look at the stage that failed');
});

test('stages may live in other accounts', () => {
  const stack = pipelineOf({ env: { account: '111122223333', region: 'eu-central-1' } }, [
    '444455556666',
    '777788889999',
  ]);
  const roles = JSON.stringify(only(Template.fromStack(stack), 'AWS::CodePipeline::Pipeline').resource);
  expect(roles).toMatch(/444455556666.*777788889999/);
});

test.each([
  ['repository', { repository: 'https://github.com/example/shop' }],
  ['repository', { repository: 'shop' }],
  ['connectionArn', { connectionArn: 'shop' }],
  ['branch', { branch: 'my branch' }],
  ['synthCommands', { synthCommands: [] }],
  ['installCommands[0]', { installCommands: [undefined as unknown as string] }],
])('fails when `%s` is wrong: %j', (prop, props) => {
  expect(errorOf(() => pipelineOf(props))).toContain(`Pipeline: \`${prop}\` must `);
});

test('fails when one stage is both staging and production', () => {
  const app = new App();
  const stage = stageOf(app, 'Only');
  const make = () =>
    new PipelineStack(app, 'Pipeline', { repository: 'a/b', connectionArn, staging: stage, production: stage });
  expect(errorOf(make)).toContain('`production` must be another stage than `staging`');
});

test('without self-mutation no stage updates the pipeline, and nothing else changes', () => {
  const stages = (selfMutation?: boolean) =>
    only(
      Template.fromStack(pipelineOf({ selfMutation })),
      'AWS::CodePipeline::Pipeline',
    ).resource.Properties.Stages.map(({ Name }: { Name: string }) => Name);
  expect(stages(false)).toEqual(stages(true).filter((name: string) => name !== 'UpdatePipeline'));
  expect(stages(undefined)).toEqual(stages(true));
  expect(stages(true)).toContain('UpdatePipeline');
});

test('the example deploys the same application to staging and, after approval, to production', () => {
  const app = new App();
  const stack = new NotesPipelineStack(app, 'Pipeline', {
    account: '111122223333',
    productionAccount: '444455556666',
    region: 'eu-central-1',
    connectionArn,
  });
  const pipeline = only(Template.fromStack(stack), 'AWS::CodePipeline::Pipeline').resource.Properties;
  const names = Object.fromEntries(
    pipeline.Stages.map(({ Name, Actions }: { Name: string; Actions: Action[] }) => [Name, Actions.map((a) => a.Name)]),
  );
  expect(names.Staging).toEqual(['Prepare', 'Deploy']);
  expect(names.Production).toEqual(expect.arrayContaining(['Approve', 'Django.Deploy']));
  const rolesOf = (stage: string) =>
    JSON.stringify(pipeline.Stages.find(({ Name }: { Name: string }) => Name === stage)).match(/(?<=iam::)\d{12}/g);
  expect(new Set(rolesOf('Production')?.filter((account) => account !== '111122223333'))).toEqual(
    new Set(['444455556666']),
  );
  expect(rolesOf('Staging')).not.toContain('444455556666');
});

describe('in a region without CodeBuild', () => {
  const warned = (region: string) =>
    Annotations.fromStack(pipelineOf({ env: { account: '111122223333', region } })).findWarning(
      '*',
      Match.stringLikeRegexp('AWS CodeBuild'),
    );

  test.each(WITHOUT_CODEBUILD)('%s: a warning says to take another one', (region) => {
    const [{ id, entry }] = warned(region);
    expect(id).toBe('/Pipeline');
    expect(entry.data).toContain(`no projects of AWS CodeBuild in ${region}`);
  });

  test('elsewhere there is none', () => {
    expect(warned('eu-central-1')).toEqual([]);
  });
});

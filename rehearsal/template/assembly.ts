import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { withNested } from './nested';
import { withShared } from './shared-network';

/** A resource as CloudFormation would be sent it. */
export interface Resource {
  readonly Type: string;
  // biome-ignore lint/suspicious/noExplicitAny: properties of any CloudFormation type
  readonly Properties?: Record<string, any>;
  readonly DependsOn?: string | string[];
  readonly Condition?: string;
  // biome-ignore lint/suspicious/noExplicitAny: metadata is free
  readonly Metadata?: Record<string, any>;
}

export interface Template {
  readonly Resources: Record<string, Resource>;
  readonly Parameters?: Record<string, { Type?: string; Default?: unknown }>;
  readonly Conditions?: Record<string, unknown>;
  readonly Mappings?: Record<string, Record<string, Record<string, unknown>>>;
  readonly Outputs?: Record<string, { Value: unknown; Export?: { Name: unknown } }>;
}

/** The source folder of an image that the CDK would build. */
export interface ImageAsset {
  readonly directory: string;
  readonly dockerFile: string;
  readonly target?: string;
  readonly buildArgs?: Readonly<Record<string, string>>;
  /** `linux/arm64`. */
  readonly platform?: string;
  /** Folders beside the build context, by the name that COPY and FROM have for them. */
  readonly contexts?: Readonly<Record<string, string>>;
  /** Files and variables for `RUN --mount=type=secret`, by their ids: `src=token.txt`. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Agent or key for `RUN --mount=type=ssh`. */
  readonly ssh?: string;
  /** Network of the steps of RUN. */
  readonly network?: string;
  /** What the builder exports: `type=docker`. */
  readonly outputs?: readonly string[];
  /** Where results of earlier builds come from. */
  readonly cacheFrom?: readonly CacheOption[];
  /** Whether no result of an earlier build is used. */
  readonly cacheDisabled?: boolean;
}

/** As the CDK has it: `registry`, with `ref`. */
export interface CacheOption {
  readonly type: string;
  readonly params?: Readonly<Record<string, string>>;
}

/** One stack of a cloud assembly. */
export interface Assembly {
  readonly stackName: string;
  /** Region of the stack, or one that stands for it where the stack leaves it open. */
  readonly region: string;
  /** Account of the stack, or one that stands for it where the stack leaves it open. */
  readonly account: string;
  /** With the resources of nested stacks. */
  readonly template: Template;
  /** Other stacks of the assembly whose VPC or load balancer the template imports: they are in it now. */
  readonly owners?: readonly string[];
  /** By the hash that ends the image's URI. */
  readonly images: ReadonlyMap<string, ImageAsset>;
  /** Folder of a file asset, by the hash that begins its S3 key. */
  readonly files: ReadonlyMap<string, string>;
}

/** Where a stack is that has no environment of its own. */
export const ANYWHERE = { region: 'eu-central-1', account: '123456789012' };

/**
 * Reads the stack with ECS services from a cloud assembly; `stackName` chooses when there are several.
 *
 * A stack with processes of this library comes before stacks that run other things.
 */
export function readAssembly(directory: string, stackName?: string): Assembly {
  if (!existsSync(path.join(directory, 'manifest.json'))) {
    throw new Error(`${directory} is not a cloud assembly: it has no manifest.json. Make it with \`npx cdk synth\`.`);
  }
  const stacks = stacksOf(directory);
  const named = ({ displayName, assembly }: Listed) => [displayName, assembly.stackName].includes(stackName as string);
  const candidates = stackName === undefined ? running(stacks) : stacks.filter(named);
  if (candidates.length !== 1) {
    throw new Error(whyNone(directory, stackName, candidates.length > 0 ? candidates : stacks, candidates.length));
  }
  const [{ assembly }] = candidates;
  const others = stacks.filter((other) => other !== candidates[0]).map((other) => other.assembly);
  const { template, owners } = withShared(assembly.template, others);
  return { ...assembly, template, owners };
}

/** A stack, and what `cdk list` calls it: with the stages that it stands in. */
interface Listed {
  readonly displayName: string;
  readonly assembly: Assembly;
}

function whyNone(directory: string, stackName: string | undefined, listed: readonly Listed[], found: number): string {
  const names = listed.map(({ displayName }) => displayName).join(', ') || 'no stack at all';
  if (found > 1) {
    const which = stackName === undefined ? 'stacks with ECS task definitions' : `stacks named ${stackName}`;
    return `${directory} has several ${which}: ${names}. Choose with --stack.`;
  }
  return stackName === undefined
    ? `no stack of ${directory} has an ECS task definition; it has ${names}. Name the cloud assembly of another app with --assembly.`
    : `no stack of ${directory} is named ${stackName}; it has ${names}. Choose with --stack.`;
}

/** Stacks with task definitions: those of this library, where there are any. */
function running(stacks: readonly Listed[]): readonly Listed[] {
  const definitions = ({ assembly }: Listed) => resourcesOfType(assembly.template, 'AWS::ECS::TaskDefinition');
  const ours = stacks.filter((stack) =>
    definitions(stack).some(({ resource }) => resource.Metadata?.['cdk-django-fargate'] !== undefined),
  );
  return ours.length > 0 ? ours : stacks.filter((stack) => definitions(stack).length > 0);
}

/** Logical ids and bodies of the resources of a type, in the template's order. */
export function resourcesOfType(template: Template, type: string): { id: string; resource: Resource }[] {
  return Object.entries(template.Resources)
    .filter(([, resource]) => resource.Type === type)
    .map(([id, resource]) => ({ id, resource }));
}

function stacksOf(directory: string): Listed[] {
  const manifest = JSON.parse(readFileSync(path.join(directory, 'manifest.json'), 'utf8'));
  // biome-ignore lint/suspicious/noExplicitAny: the manifest's schema is the CDK's
  return Object.entries<any>(manifest.artifacts).flatMap(([name, artifact]) => {
    if (artifact.type === 'cdk:cloud-assembly') {
      return stacksOf(path.join(directory, artifact.properties.directoryName));
    }
    if (artifact.type !== 'aws:cloudformation:stack') {
      return [];
    }
    const file = path.join(directory, artifact.properties.templateFile);
    const own = { Resources: {}, ...JSON.parse(readFileSync(file, 'utf8')) }; // A stack may have none.
    const assets = assetsOf(directory, name);
    const template = withNested(own, (hash) => assets.files.get(hash));
    const [region] = /[a-z]{2}(-[a-z]+)+-\d$/.exec(artifact.environment ?? '') ?? [ANYWHERE.region];
    const [account] = /(?<=^aws:\/\/)\d{12}(?=\/)/.exec(artifact.environment ?? '') ?? [ANYWHERE.account];
    const stackName = artifact.properties.stackName ?? name;
    const assembly = { stackName, region, account, template, ...assets };
    return [{ displayName: artifact.displayName ?? stackName, assembly }];
  });
}

function assetsOf(directory: string, artifact: string): Pick<Assembly, 'images' | 'files'> {
  const images = new Map<string, ImageAsset>();
  const files = new Map<string, string>();
  const names = readdirSync(directory).filter((name) => name === `${artifact}.assets.json`);
  for (const name of names) {
    const assets = JSON.parse(readFileSync(path.join(directory, name), 'utf8'));
    // biome-ignore lint/suspicious/noExplicitAny: the assets' schema is the CDK's
    for (const [hash, asset] of Object.entries<any>(assets.dockerImages ?? {})) {
      if (asset.source.directory === undefined) {
        continue; // A program makes the image: there is no Dockerfile.
      }
      images.set(hash, {
        directory: path.resolve(directory, asset.source.directory),
        dockerFile: asset.source.dockerFile ?? 'Dockerfile',
        target: asset.source.dockerBuildTarget,
        buildArgs: asset.source.dockerBuildArgs,
        platform: asset.source.platform,
        contexts: asset.source.dockerBuildContexts,
        secrets: asset.source.dockerBuildSecrets,
        ssh: asset.source.dockerBuildSsh,
        network: asset.source.networkMode,
        outputs: asset.source.dockerOutputs,
        cacheFrom: asset.source.cacheFrom,
        cacheDisabled: asset.source.cacheDisabled,
      });
    }
    // biome-ignore lint/suspicious/noExplicitAny: the assets' schema is the CDK's
    for (const [hash, asset] of Object.entries<any>(assets.files ?? {})) {
      files.set(hash, path.resolve(directory, asset.source.path ?? '.'));
    }
  }
  return { images, files };
}

/** What a person calls a resource: its place in the construct tree, without what is the same for all. */
export function placeOf({ Metadata }: Resource): string | undefined {
  const treePath: string = Metadata?.['aws:cdk:path'] ?? '';
  const segments = treePath
    .split('/')
    .slice(1)
    .filter((one) => !/^(Resource|Service|Queue|Application|App)$/.test(one));
  return segments.slice(-2).join('-').toLowerCase() || undefined;
}

import { readFileSync } from 'node:fs';
import { App, type CfnDeletionPolicy, CfnOutput, CfnResource, type FileAssetPackaging, Stack } from 'aws-cdk-lib';
import { reportUsage } from './usage';

interface Template {
  readonly Resources: {
    readonly [id: string]: {
      readonly Type: string;
      readonly Properties: { [name: string]: unknown };
      readonly DependsOn?: string[];
      readonly Metadata?: { [name: string]: unknown };
      readonly DeletionPolicy?: CfnDeletionPolicy;
      readonly UpdateReplacePolicy?: CfnDeletionPolicy;
    };
  };
  readonly Outputs: { readonly [id: string]: { readonly Description: string; readonly Value: string } };
}

interface Assets {
  readonly files: { readonly [hash: string]: Asset<{ path: string; packaging: FileAssetPackaging }> };
  readonly dockerImages: { readonly [hash: string]: Asset<{ directory: string; platform: string }> };
}

interface Asset<T> {
  readonly displayName: string;
  readonly source: T;
}

/**
 * Writes a template again from one bare `CfnResource` for each of its resources.
 *
 * It is the least that an app of the CDK does for this template: every reference is a literal, no service
 * module is loaded and no asset is read. Arguments: the folder to write to, the template, and the manifest of
 * its assets.
 */
const [outdir, template, manifest] = process.argv.slice(2);
reportUsage();
const { Resources, Outputs }: Template = JSON.parse(readFileSync(template, 'utf8'));
const { files, dockerImages }: Assets = JSON.parse(readFileSync(manifest, 'utf8'));
const app = new App({ outdir });
const stack = new Stack(app, 'Shop0');
const made: { [id: string]: CfnResource } = {};

for (const [sourceHash, { displayName, source }] of Object.entries(files)) {
  // The stack adds its own template.
  if (!source.path.endsWith('.template.json')) {
    const { path: fileName, packaging } = source;
    stack.synthesizer.addFileAsset({ sourceHash, displayName, fileName, packaging });
  }
}
for (const [sourceHash, { displayName, source }] of Object.entries(dockerImages)) {
  const { directory: directoryName, platform } = source;
  stack.synthesizer.addDockerImageAsset({ sourceHash, displayName, directoryName, platform });
}
for (const [id, resource] of Object.entries(Resources)) {
  made[id] = new CfnResource(stack, id, { type: resource.Type, properties: resource.Properties });
  Object.assign(made[id].cfnOptions, {
    metadata: resource.Metadata,
    deletionPolicy: resource.DeletionPolicy,
    updateReplacePolicy: resource.UpdateReplacePolicy,
  });
}
for (const [id, { DependsOn = [] }] of Object.entries(Resources)) {
  for (const other of DependsOn) {
    made[id].addResourceDependency(made[other]);
  }
}
for (const [id, { Description: description, Value: value }] of Object.entries(Outputs)) {
  new CfnOutput(stack, id, { description, value });
}
app.synth();

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Template } from 'aws-cdk-lib/assertions';
import { directExample } from '../bench/synth/direct';
import { clear, shapes, type TemplateJson } from '../bench/synth/shape';
import { productionExample } from '../scripts/production-example';

const library = Template.fromStack(productionExample().stack).toJSON() as TemplateJson;
const direct = Template.fromStack(directExample().stack).toJSON() as TemplateJson;

/** Every resource of a template, read to the full depth of its references, in an order that does not depend on logical ids. */
function sorted(template: TemplateJson): string[] {
  return [...shapes(template).values()].sort();
}

/** As `sorted`, one step deep and in clear, so that a difference can be read. */
function readable(template: TemplateJson): string[] {
  return Object.keys(template.Resources)
    .map((id) => JSON.stringify(clear(template, id)))
    .sort();
}

const ofLibrary = sorted(library);

function changed(change: (resources: { [id: string]: { Type: string; Properties?: object } }) => void): TemplateJson {
  const copy = JSON.parse(JSON.stringify(direct));
  change(copy.Resources);
  return copy;
}

describe('what the synthesis benchmark compares', () => {
  test('is the same resources, property for property, with the same dependencies', () => {
    expect(readable(direct)).toEqual(readable(library));
    expect(sorted(direct)).toEqual(ofLibrary);
  });

  test('is templates of about one size: the library only has longer logical ids', () => {
    const ratio = JSON.stringify(library).length / JSON.stringify(direct).length;
    expect(ratio).toBeGreaterThan(0.9);
    expect(ratio).toBeLessThan(1.1);
  });

  test('is written with nothing of the library', () => {
    const folder = join(__dirname, '../bench/synth');
    const files = readdirSync(folder).filter((file) => file.startsWith('direct'));
    const imported = files.flatMap((file) =>
      [...readFileSync(join(folder, file), 'utf8').matchAll(/from '(.+)'/g)].map(([, name]) => name),
    );
    expect(imported).toContain('aws-cdk-lib/aws-ecs');
    expect(imported.filter((name) => !/^(aws-cdk-lib(\/.+)?|constructs|node:path|\.\/direct-\w+)$/.test(name))).toEqual(
      [],
    );
  });
});

describe('the comparison notices', () => {
  const [alarm] = Object.keys(direct.Resources).filter((id) => direct.Resources[id].Type === 'AWS::CloudWatch::Alarm');

  test('a resource that is missing', () => {
    expect(sorted(changed((resources) => delete resources[alarm]))).not.toEqual(ofLibrary);
  });

  test('a property that differs', () => {
    const other = changed((resources) => Object.assign(resources[alarm].Properties ?? {}, { Threshold: 4711 }));
    expect(sorted(other)).not.toEqual(ofLibrary);
  });

  test('a dependency that is missing', () => {
    const other = changed((resources) => {
      const service = Object.values(resources).find(({ Type }) => Type === 'AWS::ECS::Service') as {
        DependsOn?: string[];
      };
      service.DependsOn?.pop();
    });
    expect(sorted(other)).not.toEqual(ofLibrary);
  });
});

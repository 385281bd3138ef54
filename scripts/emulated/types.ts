import { ValidateTemplateCommand } from '@aws-sdk/client-cloudformation';
import { eventually } from '../../rehearsal/wait';
import { failures } from './checks';
import type { Template } from './template/template';
import type { World } from './world';

/** What the reduced template lacks or alters must be what the emulator cannot make, neither more nor less. */
export async function checkTable(
  world: World,
  originals: readonly Template[],
  unknown: readonly string[],
): Promise<void> {
  const { report } = world;
  await report.step('what the emulator does not know', async () => {
    const types = [...new Set(originals.flatMap(({ Resources }) => Object.values(Resources).map(({ Type }) => Type)))];
    const refused = await unrecognized(world, types);
    report.same(
      `of ${types.length} types, the table lists those that the emulator refuses`,
      [...unknown].sort(),
      refused,
    );
    report.that(
      'it refuses metric math',
      /Metrics \(metric math\) is not supported/.test(await problemOf(world, 'Alarm', METRIC_MATH)),
      'it made the alarm: alter none any more',
    );
    for (const [type, { attribute, properties }] of Object.entries(WITHOUT_ATTRIBUTE)) {
      const problem = await problemOf(world, attribute, asking(type, attribute, properties));
      report.that(
        `it has no attribute ${attribute} of ${type}`,
        problem.includes(`attribute ${attribute} does not exist`),
        'it returned the attribute: write it out no more',
      );
    }
  });
}

const METRIC_MATH: Template = {
  Resources: {
    Alarm: {
      Type: 'AWS::CloudWatch::Alarm',
      Properties: {
        ComparisonOperator: 'GreaterThanThreshold',
        EvaluationPeriods: 1,
        Threshold: 1,
        Metrics: [{ Id: 'sum', Expression: 'TIME_SERIES(1)', ReturnData: true }],
      },
    },
  },
};

/** Of each type one attribute that the emulator does not return, and what the resource is made with. */
const WITHOUT_ATTRIBUTE: { readonly [type: string]: { readonly attribute: string; readonly properties: object } } = {
  'AWS::EC2::VPC': { attribute: 'CidrBlock', properties: { CidrBlock: '10.0.0.0/16' } },
  'AWS::SES::EmailIdentity': {
    attribute: 'DkimDNSTokenName1',
    properties: { EmailIdentity: 'shop.example.com' },
  },
};

/** A template in which something asks for an attribute. */
function asking(type: string, attribute: string, properties: object): Template {
  return {
    Resources: {
      Asked: { Type: type, Properties: properties },
      Parameter: {
        Type: 'AWS::SSM::Parameter',
        Properties: { Type: 'String', Value: { 'Fn::GetAtt': ['Asked', attribute] } },
      },
    },
  };
}

async function unrecognized({ aws }: World, types: readonly string[]): Promise<string[]> {
  const Resources = Object.fromEntries(types.map((Type, index) => [`R${index}`, { Type }]));
  try {
    await aws.cloudFormation.send(new ValidateTemplateCommand({ TemplateBody: JSON.stringify({ Resources }) }));
    return [];
  } catch (error) {
    const [, list = ''] = /Unrecognized resource types: \[([^\]]*)\]/.exec((error as Error).message) ?? [];
    return list.split(', ').sort();
  }
}

/** Why a stack of its own cannot be made. */
async function problemOf({ aws, cdk }: World, name: string, template: Template): Promise<string> {
  const body = JSON.stringify(template);
  const stack = `Probe${name}`;
  await cdk.aws('cloudformation', 'create-stack', '--stack-name', stack, '--template-body', body);
  await eventually(`${stack} is made or not`, 120, async () => {
    const { StackStatus = '' } = (await aws.stack(stack)) ?? {};
    return /COMPLETE|FAILED/.test(StackStatus);
  });
  return failures(await aws.events(stack)).join('\n');
}

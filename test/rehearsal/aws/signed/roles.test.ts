import type { SecretStore } from '../../../../rehearsal/aws/secrets';
import { Roles } from '../../../../rehearsal/aws/signed/roles';
import type { Assembly, Template } from '../../../../rehearsal/template/assembly';
import { Intrinsics } from '../../../../rehearsal/template/intrinsics';
import { WITHOUT_ROLE } from '../../../../rehearsal/template/task-definition';

const FILES = 'arn:aws:s3:::media/*';

function roles(resources: Template['Resources']) {
  const template = { Resources: resources } as Template;
  const said: string[] = [];
  const kept: string[] = [];
  const made = new Roles({
    assembly: { template } as Assembly,
    intrinsics: new Intrinsics({ template, stackName: 'S', region: 'eu-central-1', account: '1' }),
    secrets: { remember: (value: string) => kept.push(value) } as unknown as SecretStore,
    announce: { progress() {}, event() {}, substitution: (text) => said.push(text) },
  });
  return { roles: made, said, kept };
}

const role = (properties: object = {}) => ({ Type: 'AWS::IAM::Role', Properties: properties });
const policy = (...Statement: object[]) => ({
  Type: 'AWS::IAM::Policy',
  Properties: { Roles: [{ Ref: 'Web' }], PolicyDocument: { Statement } },
});

test('a role may do what a policy of the template allows, on the resources that it names', () => {
  const { roles: all } = roles({
    Web: role(),
    Beat: role(),
    Files: policy({ Effect: 'Allow', Action: ['s3:GetObject', 's3:Put*'], Resource: FILES }),
  });
  const may = (who: string, action: string, resource: string) => all.allows(who, { action, resource });
  expect(may('Web', 's3:GetObject', 'arn:aws:s3:::media/a/b.png')).toBe(true);
  expect(may('Web', 's3:putobject', 'arn:aws:s3:::media/a')).toBe(true);
  expect(may('Web', 's3:DeleteObject', 'arn:aws:s3:::media/a')).toBe(false);
  expect(may('Web', 's3:GetObject', 'arn:aws:s3:::other/a')).toBe(false);
  expect(may('Web', 's3:ListBucket', 'arn:aws:s3:::media')).toBe(false);
  expect(may('Beat', 's3:GetObject', 'arn:aws:s3:::media/a')).toBe(false);
});

test('a condition on the sender holds, and Deny is stronger', () => {
  const ses = { Action: 'ses:SendEmail', Resource: '*' };
  const { roles: all } = roles({
    Web: role({
      Policies: [
        {
          PolicyDocument: {
            Statement: [
              { ...ses, Effect: 'Deny', Condition: { StringEquals: { 'ses:FromAddress': 'x+evil@a.example' } } },
            ],
          },
        },
      ],
    }),
    Mail: policy({
      ...ses,
      Effect: 'Allow',
      Condition: { StringLike: { 'ses:FromAddress': ['no-reply@a.example', 'x+*@a.example'] } },
    }),
  });
  const may = (from: string) =>
    all.allows('Web', { action: 'ses:SendEmail', resource: 'any', context: { 'ses:fromaddress': from } });
  expect(['no-reply@a.example', 'x+1@a.example'].map(may)).toEqual([true, true]);
  expect(['No-reply@a.example', 'a@a.example', 'x+evil@a.example', 'no-reply@a.example.evil'].map(may)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});

test('policies that are in no template are not read: the role may do everything, which is said', () => {
  const { roles: all, said } = roles({ Web: role({ ManagedPolicyArns: ['arn:aws:iam::aws:policy/ReadOnlyAccess'] }) });
  expect(all.allows('Web', { action: 's3:PutObject', resource: FILES })).toBe(true);
  expect(said).toEqual([expect.stringMatching(/^Web has policies of AWS/)]);
  expect(all.allows('', { action: 's3:PutObject', resource: FILES })).toBe(true);
  expect(all.allows(WITHOUT_ROLE, { action: 's3:PutObject', resource: FILES })).toBe(false);
});

test('each role has a key of its own, whose secret is one of the run', () => {
  const { roles: all, kept } = roles({ Web: role(), Beat: role() });
  const [web, beat] = [all.keyOf('Web'), all.keyOf('Beat')];
  expect(all.keyOf('Web')).toEqual(web);
  expect([all.roleOf(web.id), all.roleOf(beat.id), all.roleOf('unknown')]).toEqual(['Web', 'Beat', '']);
  expect(all.secretOf(beat.id)).toBe(beat.secret);
  expect(all.secretOf('unknown')).toBeUndefined();
  expect(kept).toEqual([web.secret, beat.secret]);
});

test('a condition on what is not known here stops Allow as little as it makes Deny hold', () => {
  const all = { Action: 's3:GetObject', Resource: FILES };
  const Condition = { Bool: { 'aws:SecureTransport': 'false' } };
  const may = (...statements: object[]) =>
    roles({ Web: role(), Files: policy(...statements) }).roles.allows('Web', {
      ...{ action: 's3:GetObject', resource: 'arn:aws:s3:::media/a', context: { 'aws:viaawsservice': 'false' } },
    });
  expect(may({ ...all, Effect: 'Allow', Condition })).toBe(true);
  expect(may({ ...all, Effect: 'Allow' }, { ...all, Effect: 'Deny', Condition })).toBe(true);
  expect(
    may({ ...all, Effect: 'Allow' }, { ...all, Effect: 'Deny', Condition: { Bool: { 'aws:ViaAWSService': 'true' } } }),
  ).toBe(true);
});

test('the values of a condition key are known, whatever its case', () => {
  const statement = (value: string | string[], key = 'ses:FromAddress') => ({
    ...{ Effect: 'Allow', Action: 'ses:SendEmail', Resource: '*', Condition: { StringLike: { [key]: value } } },
  });
  const all = roles({
    Web: role(),
    Mail: policy(statement(['a@b.example', '*@c.example']), statement('d@b.example', 'SES:fromaddress'), {
      ...statement('x', 'aws:SourceAccount'),
    }),
  });
  expect(all.roles.valuesOf('Web', 'ses:FromAddress')).toEqual(['a@b.example', '*@c.example', 'd@b.example']);
  expect(all.roles.valuesOf('Beat', 'ses:FromAddress')).toEqual([]);
});

import { findingOf } from '../../constructs/core/acknowledge';

test.each<[string, unknown, string]>([
  ['text', 'arn:aws:s3:::shop/*', 'arn:aws:s3:::shop/*'],
  ['a reference', { Ref: 'Bucket' }, '<Bucket>'],
  ['an attribute', { 'Fn::GetAtt': ['Bucket', 'Arn'] }, '<Bucket.Arn>'],
  ['parts', { 'Fn::Join': ['', [{ 'Fn::GetAtt': ['Bucket', 'Arn'] }, '/*']] }, '<Bucket.Arn>/*'],
  // biome-ignore lint/suspicious/noTemplateCurlyInString: CloudFormation puts the value there
  ['text with references', { 'Fn::Sub': '${Bucket}/*' }, '<Bucket>/*'],
  ['what another stack exports', { 'Fn::ImportValue': 'Edge:Bucket' }, 'Edge:Bucket'],
  ['anything else', { 'Fn::Select': [0, ['a']] }, '{"Fn::Select":[0,["a"]]}'],
])('a finding names %s as the rule packs do', (_, resource, expected) => {
  expect(findingOf(resource)).toBe(expected);
});

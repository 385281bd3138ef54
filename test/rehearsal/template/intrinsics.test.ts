// biome-ignore-all lint/suspicious/noTemplateCurlyInString: these are placeholders of CloudFormation
import { Intrinsics, isPaper } from '../../../rehearsal/template/intrinsics';

const template = {
  Parameters: { Size: { Type: 'Number', Default: 3 } },
  Resources: {
    Always: { Type: 'Test::Thing' },
    WhenBig: { Type: 'Test::Thing', Condition: 'Big' },
    WhenSmall: { Type: 'Test::Thing', Condition: 'Small' },
  },
  Conditions: {
    Big: { 'Fn::Equals': [{ Ref: 'Size' }, 3] },
    Small: { 'Fn::Not': [{ Condition: 'Big' }] },
    Either: { 'Fn::Or': [{ Condition: 'Big' }, { Condition: 'Small' }] },
  },
  Mappings: { Regions: { 'eu-central-1': { name: 'Frankfurt' } } },
};

function intrinsics(): Intrinsics {
  const made = new Intrinsics({ template, stackName: 'Shop', region: 'eu-central-1', account: '123456789012' });
  made.register('Queue', { ref: 'https://queue', attributes: { Arn: 'arn:queue' } });
  return made;
}

test('a resource that exists here gives its value and its attributes', () => {
  expect(intrinsics().resolve({ Ref: 'Queue' })).toBe('https://queue');
  expect(intrinsics().resolve({ 'Fn::GetAtt': ['Queue', 'Arn'] })).toBe('arn:queue');
  expect(intrinsics().resolve({ 'Fn::GetAtt': 'Queue.Arn' })).toBe('arn:queue');
});

test('a resource that does not exist here gives a value that is recognisably paper', () => {
  expect(isPaper(intrinsics().resolve({ Ref: 'Key' }) as string)).toBe(true);
  expect(isPaper(intrinsics().resolve({ 'Fn::GetAtt': ['Key', 'Arn'] }) as string)).toBe(true);
  expect(isPaper(intrinsics().resolve({ 'Fn::ImportValue': 'vpc' }) as string)).toBe(true);
  expect(isPaper(intrinsics().resolve({ Ref: 'Queue' }) as string)).toBe(false);
});

test('Join, Sub, Select and Split nest', () => {
  expect(intrinsics().resolve({ 'Fn::Join': ['', ['{"url":"', { Ref: 'Queue' }, '"}']] })).toBe(
    '{"url":"https://queue"}',
  );
  expect(intrinsics().resolve({ 'Fn::Sub': '${AWS::Region}/${Queue.Arn}/${!Literal}' })).toBe(
    'eu-central-1/arn:queue/${Literal}',
  );
  expect(intrinsics().resolve({ 'Fn::Sub': ['${who}', { who: { Ref: 'AWS::StackName' } }] })).toBe('Shop');
  expect(intrinsics().resolve({ 'Fn::Select': [1, { 'Fn::Split': [':', { 'Fn::GetAtt': ['Queue', 'Arn'] }] }] })).toBe(
    'queue',
  );
});

test('the id of the stack ends in a UUID, of which names take the last part', () => {
  const end = {
    'Fn::Select': [4, { 'Fn::Split': ['-', { 'Fn::Select': [2, { 'Fn::Split': ['/', { Ref: 'AWS::StackId' }] }] }] }],
  };
  expect(intrinsics().resolve(end)).toMatch(/^[0-9a-f]{12}$/);
});

test('conditions choose', () => {
  expect(intrinsics().resolve({ 'Fn::If': ['Big', 'yes', 'no'] })).toBe('yes');
  expect(intrinsics().resolve({ 'Fn::If': ['Small', 'yes', 'no'] })).toBe('no');
  expect(intrinsics().resolve({ 'Fn::If': ['Either', 'yes', 'no'] })).toBe('yes');
  expect(
    intrinsics()
      .created('Test::Thing')
      .map(({ id }) => id),
  ).toEqual(['Always', 'WhenBig']);
});

test('AWS::NoValue takes a property or an item away', () => {
  expect(intrinsics().resolve({ a: { Ref: 'AWS::NoValue' }, b: [{ Ref: 'AWS::NoValue' }, 1] })).toEqual({ b: [1] });
});

test('maps and parameters are looked up', () => {
  expect(intrinsics().resolve({ 'Fn::FindInMap': ['Regions', { Ref: 'AWS::Region' }, 'name'] })).toBe('Frankfurt');
  expect(intrinsics().resolve({ Ref: 'Size' })).toBe(3);
});

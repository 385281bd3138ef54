import type { CustomResourceProps } from '../../../rehearsal/aws/custom-resource';
import { makeDatabaseRoles } from '../../../rehearsal/postgres/database-roles';
import type { Assembly, Template } from '../../../rehearsal/template/assembly';
import { Intrinsics } from '../../../rehearsal/template/intrinsics';

test('where a condition leaves the roles out, no function is said to make them', async () => {
  const said: string[] = [];
  const template = {
    Conditions: { HasRoles: { 'Fn::Equals': ['a', 'b'] } },
    Resources: { Roles: { Type: 'Custom::DatabaseRoles', Condition: 'HasRoles', Properties: {} } },
  } as unknown as Template;
  const common = { stackName: 'Shop', region: 'eu-central-1', account: '123456789012', template };
  await makeDatabaseRoles({
    ...{ assembly: common as unknown as Assembly, intrinsics: new Intrinsics(common) },
    announce: { progress: (text: string) => said.push(text), substitution: (text: string) => said.push(text) },
  } as unknown as CustomResourceProps);
  expect(said).toEqual([]);
});

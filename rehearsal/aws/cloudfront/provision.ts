import type { BackingProps } from '../backing';
import { makeCustomResources } from '../custom-resource';
import type { Doubles } from '../doubles';
import type { SecretStore } from '../secrets';
import { KeyGroups } from './key-groups';

const TYPE = 'Custom::UrlSigningKeys';

/** Has the stack's own handler make the keys that sign addresses, and their group. The secrets exist. */
export async function provisionSigningKeys(
  { assembly, intrinsics, sandbox, announce, authority, certificate }: BackingProps,
  doubles: Doubles,
  secrets: SecretStore,
): Promise<KeyGroups> {
  const groups = new KeyGroups();
  const made = intrinsics.created(TYPE);
  if (made.length === 0) {
    return groups;
  }
  doubles.endpoints.ofHandlers.set('CLOUDFRONT', await groups.listen(sandbox));
  await makeCustomResources(
    {
      ...{ assembly, intrinsics, doubles, announce, region: assembly.region },
      ...{ ca: authority.certificate, server: certificate },
    },
    TYPE,
    'keys that sign addresses: the handler of',
  );
  for (const { resource } of made) {
    secrets.remember(await secrets.read(String(intrinsics.properties(resource).SecretArn)));
  }
  announce.substitution('key groups of CloudFront are those of a double: a new key is known everywhere at once');
  return groups;
}

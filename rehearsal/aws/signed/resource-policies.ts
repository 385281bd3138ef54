import type { Intrinsics } from '../../template/intrinsics';
import { decide, type Statement, type Wish } from './policy';

/** A service of AWS that asks on its own behalf. */
export interface AskingService {
  /** `cloudfront.amazonaws.com`. */
  readonly principal: string;
  /** ARN of the resource that makes it ask, and the account of that. */
  readonly sourceArn: string;
  readonly sourceAccount: string;
}

interface Bucket {
  readonly statements: readonly Statement[];
  /** Of its key, where the template has it. */
  readonly ofKey?: readonly Statement[];
}

/**
 * What the policies of the template's buckets, and of the KMS keys that encrypt them, let services of AWS do.
 *
 * A key that the template only names is not judged.
 */
export class ResourcePolicies {
  private readonly buckets = new Map<string, Bucket>();

  constructor(private readonly intrinsics: Intrinsics) {}

  /** Whether a service may do something with a bucket, and read what its key encrypts. */
  allow({ principal, sourceArn, sourceAccount }: AskingService, bucket: string, wish: Wish): boolean {
    const context = {
      'aws:sourcearn': sourceArn,
      'aws:sourceaccount': sourceAccount,
      'aws:securetransport': 'true',
      ...wish.context,
    };
    const about = ({ Principal }: Statement) => names(Principal, principal);
    const { statements, ofKey } = this.policiesOf(bucket);
    const mayDecrypt = ofKey === undefined || decide(ofKey.filter(about), { ...wish, action: 'kms:Decrypt', context });
    return decide(statements.filter(about), { ...wish, context }) && (wish.action !== 's3:GetObject' || mayDecrypt);
  }

  private policiesOf(bucket: string): Bucket {
    const found = this.buckets.get(bucket) ?? this.read(bucket);
    this.buckets.set(bucket, found);
    return found;
  }

  private read(bucket: string): Bucket {
    const { intrinsics } = this;
    const policy = intrinsics
      .created('AWS::S3::BucketPolicy')
      .map(({ resource }) => intrinsics.properties(resource))
      .filter(({ Bucket }) => Bucket === bucket);
    const made = intrinsics.created('AWS::S3::Bucket').find(({ id }) => intrinsics.resolve({ Ref: id }) === bucket);
    const [rule] = made?.resource.Properties?.BucketEncryption?.ServerSideEncryptionConfiguration ?? [];
    const { Ref, 'Fn::GetAtt': attribute } = rule?.ServerSideEncryptionByDefault?.KMSMasterKeyID ?? {};
    const key = intrinsics.created('AWS::KMS::Key').find(({ id }) => id === (Ref ?? attribute?.[0]));
    return {
      statements: policy.flatMap(({ PolicyDocument }) => PolicyDocument.Statement),
      // In the policy of a key the asterisk is the key itself.
      ofKey: key && intrinsics.properties(key.resource).KeyPolicy.Statement.map(ofEverything),
    };
  }
}

function ofEverything(statement: Statement): Statement {
  return { ...statement, Resource: '*' };
}

function names(principal: Statement['Principal'], service: string): boolean {
  if (principal === undefined || typeof principal === 'string') {
    return principal === '*';
  }
  return [principal.Service ?? []].flat().includes(service) || [principal.AWS ?? []].flat().includes('*');
}

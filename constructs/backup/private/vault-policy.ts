import { DefaultStackSynthesizer, Fn, Stack } from 'aws-cdk-lib';
import { AnyPrincipal, Effect, PolicyDocument, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';

/**
 * What nobody may do to the vault: take its policy or its lock away, or put others in their place.
 *
 * CloudFormation and the root user may, so that a later deployment can change the vault and an account never
 * locks itself out. It holds against mistakes and against whoever has rights in AWS Backup alone.
 * It does not hold against who may deploy a stack that changes the vault, against the root user, or
 * against who may pass the execution role of CloudFormation. Only `BackupVaultLock.compliance()` does.
 *
 * @see https://docs.aws.amazon.com/aws-backup/latest/devguide/create-a-vault-access-policy.html
 */
export function vaultPolicy(scope: Construct): PolicyDocument {
  return new PolicyDocument({
    statements: [
      new PolicyStatement({
        sid: 'KeepBackups',
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: ['backup:DeleteRecoveryPoint', 'backup:UpdateRecoveryPointLifecycle'],
        resources: ['*'], // In the policy of a vault these are the backups in it.
      }),
      new PolicyStatement({
        sid: 'KeepPolicyAndLock',
        effect: Effect.DENY,
        principals: [new AnyPrincipal()],
        actions: [
          'backup:DeleteBackupVaultAccessPolicy',
          'backup:DeleteBackupVaultLockConfiguration',
          'backup:PutBackupVaultAccessPolicy',
          'backup:PutBackupVaultLockConfiguration',
        ],
        resources: ['*'], // In the policy of a vault this is the vault.
        conditions: {
          ArnNotLike: { 'aws:PrincipalArn': deployers(scope) },
          // A deployment without a role of its own acts with the rights of who deploys, called via
          // CloudFormation.
          'ForAllValues:StringNotEquals': { 'aws:CalledVia': ['cloudformation.amazonaws.com'] },
        },
      }),
    ],
  });
}

/**
 * The root user, and the roles with which CloudFormation deploys: those of `cdk bootstrap`, and the stack's
 * own.
 */
function deployers(scope: Construct): string[] {
  const { partition, account, region, synthesizer } = Stack.of(scope);
  // Any qualifier: with another one, the next deployment still comes through the policy of this one.
  const bootstrapped = `arn:${partition}:iam::${account}:role/cdk-*-cfn-exec-role-${account}-${region}`;
  const own = synthesizer instanceof DefaultStackSynthesizer ? synthesizer.cloudFormationExecutionRoleArn : undefined;
  const usual = own === undefined || /:role\/cdk-[a-z0-9]+-cfn-exec-role-/.test(own);
  const written = own?.includes('${') ? Fn.sub(own) : own;
  return [`arn:${partition}:iam::${account}:root`, bootstrapped, ...(usual ? [] : [written as string])];
}

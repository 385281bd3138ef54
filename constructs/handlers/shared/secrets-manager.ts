import {
  DescribeSecretCommand,
  GetSecretValueCommand,
  ListSecretVersionIdsCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
  UpdateSecretVersionStageCommand,
} from '@aws-sdk/client-secrets-manager';
import type { ISecretStore } from './rotation';

/** The real Secrets Manager. The client tries again by itself when it is throttled. */
export class SecretsManagerStore implements ISecretStore {
  public constructor(private readonly client = new SecretsManagerClient({ maxAttempts: 5 })) {}

  public async stages(secretId: string): Promise<{ [versionId: string]: string[] }> {
    return (await this.client.send(new DescribeSecretCommand({ SecretId: secretId }))).VersionIdsToStages ?? {};
  }

  public async read(secretId: string, versionId: string): Promise<string | undefined> {
    try {
      const version = await this.client.send(new GetSecretValueCommand({ SecretId: secretId, VersionId: versionId }));
      return version.SecretString;
    } catch (error) {
      if ((error as Error).name === 'ResourceNotFoundException') {
        return undefined;
      }
      throw error;
    }
  }

  public async putPending(secretId: string, versionId: string, value: string): Promise<boolean> {
    try {
      await this.client.send(
        new PutSecretValueCommand({
          SecretId: secretId,
          ClientRequestToken: versionId,
          SecretString: value,
          VersionStages: ['AWSPENDING'],
        }),
      );
      return true;
    } catch (error) {
      if ((error as Error).name === 'ResourceExistsException') {
        return false;
      }
      throw error;
    }
  }

  /** Stores a value as the current version of that id; does nothing where a version of that id is there. */
  public async putCurrent(secretId: string, versionId: string, value: string): Promise<void> {
    try {
      await this.client.send(
        new PutSecretValueCommand({ SecretId: secretId, ClientRequestToken: versionId, SecretString: value }),
      );
    } catch (error) {
      if ((error as Error).name !== 'ResourceExistsException') {
        throw error;
      }
    }
  }

  /** Stores a value as the version of that id, with one label. */
  public async putLabelled(secretId: string, versionId: string, value: string, label: string): Promise<void> {
    await this.client.send(
      new PutSecretValueCommand({
        SecretId: secretId,
        ClientRequestToken: versionId,
        SecretString: value,
        VersionStages: [label],
      }),
    );
  }

  public async moveStage(secretId: string, stage: string, from: string, to?: string): Promise<void> {
    await this.client.send(
      new UpdateSecretVersionStageCommand({
        SecretId: secretId,
        VersionStage: stage,
        RemoveFromVersionId: from,
        MoveToVersionId: to,
      }),
    );
  }

  public async versionIds(secretId: string): Promise<string[]> {
    const answer = await this.client.send(
      new ListSecretVersionIdsCommand({ SecretId: secretId, IncludeDeprecated: true, MaxResults: 100 }),
    );
    return [...(answer.Versions ?? [])]
      .sort((a, b) => (b.CreatedDate?.getTime() ?? 0) - (a.CreatedDate?.getTime() ?? 0))
      .map((version) => version.VersionId ?? '');
  }
}

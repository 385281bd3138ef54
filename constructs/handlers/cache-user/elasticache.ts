import {
  CreateUserCommand,
  DeleteUserCommand,
  DescribeUsersCommand,
  ElastiCacheClient,
  ModifyUserCommand,
} from '@aws-sdk/client-elasticache';
import type { IUserApi } from './user';

/** The user in the real ElastiCache. The client tries again by itself when it is throttled. */
export function userIn(client: Pick<ElastiCacheClient, 'send'>, UserId: string): IUserApi {
  return {
    describe: () =>
      unless('UserNotFound', undefined, async () => {
        const user = (await client.send(new DescribeUsersCommand({ UserId }))).Users?.[0];
        return user && { status: user.Status ?? '', passwords: user.Authentication?.PasswordCount ?? 0 };
      }),
    create: ({ username, password, accessString }) =>
      unless('UserAlreadyExists', false, async () => {
        await client.send(
          new CreateUserCommand({
            UserId,
            UserName: username,
            Engine: 'valkey',
            AccessString: accessString,
            AuthenticationMode: { Type: 'password', Passwords: [password] },
          }),
        );
        return true;
      }),
    setPasswords: (passwords) =>
      unless('InvalidUserState', false, async () => {
        const AuthenticationMode = { Type: 'password', Passwords: passwords } as const;
        await client.send(new ModifyUserCommand({ UserId, AuthenticationMode }));
        return true;
      }),
    setAccessString: (AccessString) =>
      unless('InvalidUserState', false, async () => {
        await client.send(new ModifyUserCommand({ UserId, AccessString }));
        return true;
      }),
    remove: () =>
      unless('UserNotFound', true, () =>
        unless('InvalidUserState', false, async () => {
          await client.send(new DeleteUserCommand({ UserId }));
          return true;
        }),
      ),
  };
}

export function elastiCache(userId: string): IUserApi {
  return userIn(new ElastiCacheClient({ maxAttempts: 5 }), userId);
}

/** What an error of this name means, whose classes end in `Fault` or not. */
async function unless<T>(name: string, meaning: T, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    if ((error as Error).name.replace(/Fault$/, '') === name) {
      return meaning;
    }
    throw error;
  }
}

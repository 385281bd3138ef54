import { BackupClient } from '@aws-sdk/client-backup';
import { RDSClient } from '@aws-sdk/client-rds';
import { SSMClient } from '@aws-sdk/client-ssm';
import { handler } from '../../constructs/handlers/restore-validation';
import { askDatabase } from '../../constructs/handlers/restore-validation/database';
import {
  handleValidation,
  type RestoredInstance,
  type RestoredLogin,
  type ValidationEvent,
  type Verdict,
  verdictOn,
  verdictOnError,
} from '../../constructs/handlers/restore-validation/validation';
import type { connectPostgres } from '../../constructs/handlers/shared/postgres';

const COMPLETED = Date.parse('2026-03-01T13:00:00Z');
const ID = 'awsbackup-restore-test-1a2b3c';
const FOUND: Verdict = { proven: true, message: 'The query answered 42.' };
const EMPTY: Verdict = { proven: false, message: 'The query answered 0.' };
const refused = Object.assign(new Error('password authentication failed for user "x"'), { code: '28P01' });

function completed(change: object = {}): ValidationEvent {
  const createdResourceArn = `arn:aws:rds:eu-central-1:111122223333:db:${ID}`;
  return {
    'detail-type': 'Restore Job State Change',
    time: new Date(COMPLETED).toISOString(),
    detail: { restoreJobId: 'job', status: 'COMPLETED', createdResourceArn, ...change },
  };
}

/** An account with one restored instance, in which time passes. */
class Account {
  public now = COMPLETED;
  public instance: RestoredInstance | undefined = {
    status: 'available',
    host: 'restored.example.com',
    port: 15432,
    user: 'django_master',
    database: 'shop',
  };
  public answers: (Verdict | Error)[] = [FOUND];
  public proof = 'never';
  public reportFails: Error | undefined;
  public readonly asked: RestoredLogin[] = [];
  public readonly passwords: string[] = [];
  public readonly reported: Verdict[] = [];
  public readonly measured: [string, number][] = [];
  public readonly logged: string[] = [];

  /** One invocation, of fifteen minutes. */
  public invoke(event: ValidationEvent, database = 'django'): Promise<void> {
    const end = this.now + 900_000;
    return handleValidation(
      event,
      database,
      {
        instance: async () => this.instance,
        setPassword: async (_identifier, password) => void this.passwords.push(password),
        ask: async (login) => {
          this.asked.push(login);
          const answer = this.answers.length > 1 ? this.answers.shift() : this.answers[0];
          if (answer instanceof Error) {
            throw answer;
          }
          return answer as Verdict;
        },
        isReported: async () => this.reported.length > 0,
        report: async (_job, verdict) => {
          if (this.reportFails) {
            throw this.reportFails;
          }
          this.reported.push(verdict);
        },
        lastProof: async () => this.proof,
        setLastProof: async (time) => {
          this.proof = time;
        },
        measure: (metric, value) => void this.measured.push([metric, value]),
        newPassword: () => `password-${this.passwords.length}`,
        now: () => this.now,
        sleep: async (milliseconds) => {
          this.now += milliseconds;
        },
        log: (message) => void this.logged.push(message),
      },
      { logStreamName: 's', getRemainingTimeInMillis: () => end - this.now },
    );
  }

  public tick(): Promise<void> {
    return this.invoke({ 'detail-type': 'Scheduled Event', time: new Date(this.now).toISOString(), detail: {} });
  }
}

describe('a restore', () => {
  test('whose database answers is proven, with the password that was set and nobody learns', async () => {
    const account = new Account();
    await account.invoke(completed());
    expect(account.reported).toEqual([FOUND]);
    expect(account.asked).toEqual([
      { host: 'restored.example.com', port: 15432, user: 'django_master', database: 'django', password: 'password-0' },
    ]);
    expect(account.proof).toBe('2026-03-01T13:00:00.000Z');
    expect(account.measured).toEqual([]);
    expect(account.logged.join()).not.toContain('password-0');
  });

  test('is asked in the database that RDS names where nobody else knows it', async () => {
    const account = new Account();
    await account.invoke(completed(), '');
    expect(account.asked[0].database).toBe('shop');
  });

  test('that is empty has failed: AWS Backup is told, the metric says so, and the last proof stays', async () => {
    const account = new Account();
    account.answers = [EMPTY];
    account.proof = '2026-02-01T13:00:00.000Z';
    await account.invoke(completed());
    expect(account.reported).toEqual([EMPTY]);
    expect(account.measured).toEqual([['failed', 1]]);
    expect(account.proof).toBe('2026-02-01T13:00:00.000Z');
  });

  test('is asked again, with one password, until the password is in force', async () => {
    const account = new Account();
    account.answers = [refused, refused, FOUND];
    await account.invoke(completed());
    expect(account.passwords).toEqual(['password-0']);
    expect(account.now - COMPLETED).toBe(10_000);
    expect(account.reported).toEqual([FOUND]);
  });

  test('that nobody can look into fails each time, and the third time AWS Backup is told', async () => {
    const account = new Account();
    account.instance = { status: 'modifying' };
    for (const pause of [60_000, 120_000, 0]) {
      expect(account.reported).toEqual([]);
      await expect(account.invoke(completed())).rejects.toThrow(`${ID}: the instance is modifying`);
      account.now += pause;
    }
    expect(account.reported).toEqual([
      { proven: false, message: `It could not be looked at: ${ID}: the instance is modifying` },
    ]);
    expect(account.measured).toEqual([['failed', 1]]);
  });

  test('whose instance is gone is told as that', async () => {
    const account = new Account();
    account.instance = undefined;
    await expect(account.invoke(completed())).rejects.toThrow(`${ID}: the instance is not there`);
    expect(account.passwords).toEqual([]);
  });

  test('is measured as failed even if AWS Backup cannot be told', async () => {
    const account = new Account();
    account.answers = [EMPTY];
    account.reportFails = new Error('AccessDenied');
    await expect(account.invoke(completed())).rejects.toThrow('AccessDenied');
    expect(account.measured).toEqual([['failed', 1]]);
  });

  test('that has its result is left alone: an event may come twice', async () => {
    const account = new Account();
    await account.invoke(completed());
    await account.invoke(completed());
    expect(account.passwords).toHaveLength(1);
    expect(account.reported).toEqual([FOUND]);
  });

  test.each([
    ['another instance', { createdResourceArn: 'arn:aws:rds:eu-central-1:111122223333:db:shop' }],
    ['something else', { createdResourceArn: `arn:aws:s3:::${ID}` }],
    ['what is not complete', { status: 'FAILED' }],
    ['what nobody names', { restoreJobId: undefined, createdResourceArn: undefined }],
  ])('gives no password to %s', async (_what, change) => {
    const account = new Account();
    await expect(account.invoke(completed(change))).rejects.toThrow();
    expect(account.passwords).toEqual([]);
    expect(account.reported).toEqual([]);
  });

  test('says nothing of what an error of another held', async () => {
    const account = new Account();
    account.answers = [refused];
    await expect(account.invoke(completed())).rejects.toThrow(/^awsbackup-restore-test-1a2b3c: Error 28P01$/);
    expect(account.logged.join()).not.toContain('user "x"');
  });
});

describe('by the clock', () => {
  test('the days since the last proof are measured', async () => {
    const account = new Account();
    account.proof = '2026-02-20T13:00:00.000Z';
    await account.tick();
    expect(account.measured).toEqual([['age', 9]]);
    expect(account.asked).toEqual([]);
  });

  test.each(['never', 'tampered'])('the first time counts from now on: %s', async (proof) => {
    const account = new Account();
    account.proof = proof;
    await account.tick();
    account.now += 36 * 3_600_000;
    await account.tick();
    expect(account.measured).toEqual([
      ['age', 0],
      ['age', 1.5],
    ]);
  });
});

describe('a verdict', () => {
  test.each([
    [42, true, 'The query answered 42.'],
    ['42', true, 'The query answered 42.'],
    [true, true, 'The query answered a value.'],
    ['Ada Lovelace', true, 'The query answered a value.'],
    ['0', false, 'The query answered 0.'],
    [0, false, 'The query answered 0.'],
    [false, false, 'The query answered nothing.'],
    [null, false, 'The query answered nothing.'],
    ['', false, 'The query answered nothing.'],
    [undefined, false, 'The query answered no row.'],
  ])('on %p', (value, proven, message) => {
    expect(verdictOn(value)).toEqual({ proven, message });
  });

  test.each([
    ['42P01', 'The query failed: Error 42P01.'],
    ['XX001', 'The query failed: Error XX001.'],
    ['53300', undefined],
    ['57P03', undefined],
    ['08006', undefined],
    ['ECONNRESET', undefined],
    [undefined, undefined],
  ])('on the error %s', (code, message) => {
    expect(verdictOnError(Object.assign(new Error('secret'), { code }))?.message).toBe(message);
  });
});

describe('a question', () => {
  const login = { host: 'h', port: 1, database: 'shop', user: 'u', password: 'p' };
  const ask = (connect: () => Promise<unknown>) =>
    askDatabase(login, { query: 'SELECT 1', timeout: 5_000 }, connect as never as typeof connectPostgres);

  test('to a database that is not there has its answer', async () => {
    const missing = Object.assign(new Error('no'), { code: '3D000' });
    expect(await ask(() => Promise.reject(missing))).toEqual({
      proven: false,
      message: 'There is no database "shop".',
    });
  });

  test('that nobody answers is asked again by whoever asks', async () => {
    await expect(ask(() => Promise.reject(refused))).rejects.toBe(refused);
    const lost = { query: () => Promise.reject(new Error('Connection terminated')), end: async () => undefined };
    await expect(ask(async () => lost)).rejects.toThrow('Connection terminated');
  });
});

describe('the function as Lambda calls it', () => {
  const calls: { readonly name: string; readonly input: object }[] = [];
  const answers: { [command: string]: object } = {};

  beforeEach(() => {
    calls.length = 0;
    jest.spyOn(console, 'log').mockImplementation();
    jest.spyOn(process.stdout, 'write').mockReturnValue(true);
    for (const client of [BackupClient, RDSClient, SSMClient]) {
      jest.spyOn(client.prototype, 'send').mockImplementation((async (command: { input: object }) => {
        calls.push({ name: command.constructor.name, input: command.input });
        return answers[command.constructor.name] ?? {};
      }) as never);
    }
  });
  afterEach(() => jest.restoreAllMocks());

  test('writes the age in the embedded metric format, as a line of its own', async () => {
    const lines: string[] = [];
    jest.spyOn(process.stdout, 'write').mockImplementation((line) => lines.push(String(line)) > 0);
    answers.GetParameterCommand = { Parameter: { Value: new Date(Date.now() - 2 * 86_400_000).toISOString() } };
    await handler(
      { 'detail-type': 'Scheduled Event', time: '', detail: {} },
      { logStreamName: 's', getRemainingTimeInMillis: () => 900_000 },
    );
    const metric = JSON.parse(lines[0]);
    expect(metric.DaysSinceProvenRestore).toBeCloseTo(2, 3);
    expect(metric).toMatchObject({
      BackupVaultName: '',
      _aws: {
        CloudWatchMetrics: [
          {
            Namespace: 'DjangoFargate/Backup',
            Dimensions: [['BackupVaultName']],
            Metrics: [{ Name: 'DaysSinceProvenRestore' }],
          },
        ],
      },
    });
  });

  test('counts from now on where the parameter has no value, and stores that', async () => {
    const lines: string[] = [];
    jest.spyOn(process.stdout, 'write').mockImplementation((line) => lines.push(String(line)) > 0);
    answers.GetParameterCommand = {};
    await handler(
      { 'detail-type': 'Scheduled Event', time: '', detail: {} },
      { logStreamName: 's', getRemainingTimeInMillis: () => 900_000 },
    );
    expect(JSON.parse(lines[0]).DaysSinceProvenRestore).toBe(0);
    expect(calls.at(-1)).toMatchObject({ name: 'PutParameterCommand', input: { Overwrite: true } });
  });

  test('says that RDS knows no such instance, and changes none', async () => {
    answers.DescribeRestoreJobCommand = {};
    answers.DescribeDBInstancesCommand = {};
    let remaining = 30_000;
    const context = { logStreamName: 's', getRemainingTimeInMillis: () => (remaining -= 1_000) };
    await expect(handler(completed(), context)).rejects.toThrow(`${ID}: the instance is not there`);
    expect(calls.map(({ name }) => name)).not.toContain('ModifyDBInstanceCommand');
  });

  test('sets a password on the restored instance, at once, and reports what it could not look at', async () => {
    answers.DescribeRestoreJobCommand = { ValidationStatus: 'VALIDATING' };
    answers.DescribeDBInstancesCommand = {
      DBInstances: [
        { Endpoint: { Address: '127.0.0.1', Port: 1 }, MasterUsername: 'm', DBInstanceStatus: 'available' },
      ],
    };
    let remaining = 30_000; // Time for one attempt.
    const context = { logStreamName: 's', getRemainingTimeInMillis: () => (remaining -= 1_000) };
    await expect(handler(completed(), context)).rejects.toThrow(`restore validation: ${ID}: Error ECONNREFUSED`);
    expect(calls.map(({ name }) => name)).toEqual([
      'DescribeRestoreJobCommand',
      'DescribeDBInstancesCommand',
      'ModifyDBInstanceCommand',
      'PutRestoreValidationResultCommand',
    ]);
    expect(calls[2].input).toEqual({
      DBInstanceIdentifier: ID,
      MasterUserPassword: expect.stringMatching(/^[\w-]{40}$/),
      ApplyImmediately: true,
    });
    expect(calls[3].input).toEqual({
      RestoreJobId: 'job',
      ValidationStatus: 'FAILED',
      ValidationStatusMessage: `It could not be looked at: ${ID}: Error ECONNREFUSED`,
    });
  });
});

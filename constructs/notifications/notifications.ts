import { Annotations, Stack } from 'aws-cdk-lib';
import { Grant, type IGrantable, PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import { Construct, type IConstruct } from 'constructs';
import { Checks } from '../core/checks';
import { allowSenders, grantKeyVia } from '../core/key-policy';
import { checkKinds } from '../core/kinds';

/** Services whose messages carry the account that they come from. */
const SENDERS_WITH_ACCOUNT = ['cloudwatch.amazonaws.com', 'events.rds.amazonaws.com'];
/**
 * Services that tell a topic nothing about the source: a condition on it would silence them.
 *
 * AWS Backup reports through EventBridge.
 */
const SENDERS_WITHOUT_ACCOUNT = ['events.amazonaws.com'];

const EMAIL_ADDRESS = /^[^\s@<>()[\]:;,"\\]+@[^\s@.<>()[\]:;,"\\]+(\.[^\s@.<>()[\]:;,"\\]+)+$/;

/** A topic for what an operator of the application should know. */
export interface INotifications extends IConstruct {
  /** The topic that alarms and events are sent to. */
  readonly topic: ITopic;
  /** Lets a process send a message of its own. */
  grantPublish(grantee: IGrantable): Grant;
}

/** Properties of `Notifications`. */
export interface NotificationsProps {
  /**
   * E-mail addresses to notify.
   *
   * Each must confirm once, by the link that AWS sends to it.
   *
   * @default - none
   */
  readonly emailAddresses?: string[];
  /**
   * Customer-managed key of the topic.
   *
   * CloudWatch cannot use the key that AWS manages for SNS.
   *
   * @default - none, with a warning
   */
  readonly encryptionKey?: IKey;
}

/**
 * One encrypted SNS topic for everything an operator should know: alarms, failed deployments, failed backups,
 * database events.
 *
 * Its policy and that of its key let exactly those services in that send such messages. Without either of the
 * two, alarms change state and nobody is notified. Publishing without TLS is denied.
 *
 * @example
 * declare const key: kms.IKey;
 * new Notifications(this, 'Notifications', { emailAddresses: ['ops@example.com'], encryptionKey: key });
 *
 * @see https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html
 */
export class Notifications extends Construct implements INotifications {
  /** Uses an existing topic. Its policy and its key's policy must allow the senders to publish. */
  public static fromTopic(scope: Construct, id: string, topic: ITopic): INotifications {
    class Import extends Construct implements INotifications {
      public readonly topic = topic;
      public grantPublish(grantee: IGrantable): Grant {
        return topic.grantPublish(grantee);
      }
    }
    return new Import(scope, id);
  }

  public readonly topic: ITopic;
  private readonly encryptionKey?: IKey;

  constructor(scope: Construct, id: string, props: NotificationsProps = {}) {
    super(scope, id);
    checkKinds(this, 'NotificationsProps', props);
    const emailAddresses = props.emailAddresses ?? [];
    validate(this, emailAddresses);
    if (props.encryptionKey === undefined) {
      Annotations.of(this).addWarningV2(
        'cdk-django-fargate:notificationsWithoutKey',
        'The topic is not encrypted with a key of yours: give `encryptionKey` a customer-managed KMS key.',
      );
    }

    const topic = new Topic(this, 'Topic', { masterKey: props.encryptionKey, enforceSSL: true });
    for (const service of SENDERS_WITH_ACCOUNT) {
      topic.addToResourcePolicy(sender(topic, service, { 'aws:SourceAccount': Stack.of(this).account }));
    }
    for (const service of SENDERS_WITHOUT_ACCOUNT) {
      topic.addToResourcePolicy(sender(topic, service));
    }
    allowSenders(props.encryptionKey, ...SENDERS_WITH_ACCOUNT, ...SENDERS_WITHOUT_ACCOUNT);
    for (const address of emailAddresses) {
      topic.addSubscription(new EmailSubscription(address));
    }

    this.topic = topic;
    this.encryptionKey = props.encryptionKey;
  }

  public grantPublish(grantee: IGrantable): Grant {
    return grantPublish(this.topic, grantee, this.encryptionKey);
  }
}

/** As `topic.grantPublish()`, without the wildcard among the key's actions. */
function grantPublish(topic: ITopic, grantee: IGrantable, key: IKey | undefined): Grant {
  const grant = Grant.addToPrincipalOrResource({
    grantee,
    actions: ['sns:Publish'],
    resourceArns: [topic.topicArn],
    resource: topic,
  });
  return key
    ? grant.combine(
        grantKeyVia(
          { service: 'sns', region: topic.env.region, key: key },
          grantee,
          'kms:Decrypt',
          'kms:GenerateDataKey',
        ),
      )
    : grant;
}

function sender(topic: ITopic, service: string, equals?: { [key: string]: string }): PolicyStatement {
  return new PolicyStatement({
    actions: ['sns:Publish'],
    principals: [new ServicePrincipal(service)],
    resources: [topic.topicArn],
    conditions: equals ? { StringEquals: equals } : undefined,
  });
}

function validate(scope: Construct, emailAddresses: string[]): void {
  const checks = new Checks(scope);
  emailAddresses.forEach((address, index) => {
    checks
      .matches(`emailAddresses[${index}]`, address, EMAIL_ADDRESS, {
        must: 'be an e-mail address',
        remedy: 'Write it as name@domain, without a display name.',
      })
      .that(`emailAddresses[${index}]`, address, emailAddresses.indexOf(address) === index, {
        must: 'not be repeated',
        remedy: 'Name every address once.',
      });
  });
  checks.throwIfAny();
}

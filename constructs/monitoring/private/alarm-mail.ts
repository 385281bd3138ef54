import { Annotations, Stack, Token, TokenComparison } from 'aws-cdk-lib';
import { EventField, type EventPattern } from 'aws-cdk-lib/aws-events';
import type { Construct } from 'constructs';
import type { IMail } from '../../mail/mail';
import type { EventRow } from './alarm-events';
import { type AlarmRow, GREATER_THAN_OR_EQUAL_TO_THRESHOLD, IGNORE } from './alarm-table';

/** From here SES puts an account under review; it may stop its mail from twice as much. */
const BOUNCE_RATE = 0.05;
/** From here SES puts an account under review; it may stop its mail from five times as much. */
const COMPLAINT_RATE = 0.001;

/** The mail, unless SES sends it in another region, where its metrics and events stay. */
export function watchable(scope: Construct, mail: IMail | undefined): IMail | undefined {
  const region = mail?.containerEnvironment.AWS_SES_REGION_NAME;
  if (region === undefined || Token.compareStrings(region, Stack.of(scope).region) !== TokenComparison.DIFFERENT) {
    return mail;
  }
  Annotations.of(scope).addWarningV2(
    'cdk-django-fargate:mailOfAnotherRegion',
    `SES sends the mail in ${region}, so its bounces and complaints cannot be watched here. Watch them there: hand \`outgoingMail\` to an ApplicationAlarms in a stack of that region.`,
  );
  return undefined;
}

/**
 * @see https://docs.aws.amazon.com/ses/latest/dg/reputationdashboard-cloudwatch-alarm.html
 */
export const MAIL_ALARMS: AlarmRow<IMail>[] = [
  {
    id: 'BounceRate',
    runbook: 'bounce-rate',
    metric: (mail) => mail.metricBounceRate(),
    threshold: () => BOUNCE_RATE,
    comparison: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 1,
    // SES publishes nothing while nothing is sent, and the rate stays what it was.
    treatMissingData: IGNORE,
    sentence: () => '5 % of its mail bounces: SES reviews the account, and may stop all of its mail from 10 %.',
  },
  {
    id: 'ComplaintRate',
    runbook: 'complaint-rate',
    metric: (mail) => mail.metricComplaintRate(),
    threshold: () => COMPLAINT_RATE,
    comparison: GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
    evaluationPeriods: 1,
    treatMissingData: IGNORE,
    sentence: () =>
      '0.1 % of its mail is reported as spam: SES reviews the account, and may stop all of its mail from 0.5 %.',
  },
];

const field = EventField.fromPath;

/** Without the address of the person: whoever reads alarms need not know it. */
export const MAIL_EVENTS: EventRow<IMail>[] = [
  {
    id: 'MailReturned',
    runbook: 'mail-returned',
    description: 'A message bounced, was reported as spam or was rejected by SES',
    pattern: ({ configurationSet }): EventPattern => ({
      source: ['aws.ses'],
      detailType: ['Email Bounced', 'Email Complaint Received', 'Email Rejected'],
      detail: { mail: { tags: { 'ses:configuration-set': [configurationSet?.configurationSetName] } } },
    }),
    sentence: `${field('$.detail-type')}: message ${field('$.detail.mail.messageId')} of ${field('$.detail.mail.timestamp')} ${field('$.detail.bounce.bounceType')} ${field('$.detail.bounce.bounceSubType')} ${field('$.detail.complaint.complaintFeedbackType')} ${field('$.detail.reject.reason')}`,
  },
];

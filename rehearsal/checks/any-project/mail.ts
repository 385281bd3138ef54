import { randomBytes } from 'node:crypto';
import type { Mail } from '../../aws/signed/mail';
import { matchesPattern } from '../../edge/listener-rules';
import { type Check, type CheckContext, expect, NotApplicable } from '../check';
import { MAIL_FORGED, MAIL_SENT, PAGES } from '../names';
import { oneOff } from '../one-off';
import { pageOf } from '../page';
import { evaluate, MARK, shell } from './answer';

const ABOUT = 'a sender in the variables of a task, and a role that may send mail';
const SEND = `
import json, os
from django.core.mail import send_mail
sender = os.environ.get("REHEARSAL_SENDER") or None
print("${MARK}" + json.dumps(send_mail(os.environ["REHEARSAL_SUBJECT"], "Grüße", sender, ["ada@example.org"])))
`;

const senderOf = ({ rehearsal }: Pick<CheckContext, 'rehearsal'>) =>
  rehearsal.services.map(({ definition }) => definition.environment.DEFAULT_FROM_EMAIL).find(Boolean);
export const hasMail = (context: CheckContext) =>
  context.rehearsal.signed.ses !== undefined && senderOf(context) !== undefined;

/** By Django's own functions, with the role of the task. */
export const mailChecks: Check[] = [
  {
    name: MAIL_SENT,
    lane: 'mail',
    needs: [PAGES],
    about: ABOUT,
    applies: hasMail,
    async run(context) {
      const { rehearsal } = context;
      const subject = subjectOf();
      const sent = await evaluate<number>(rehearsal, SEND, { REHEARSAL_SUBJECT: subject });
      const mail = mailsOf(context, subject)[0];
      expect(
        sent === 1 && mail !== undefined,
        'Django says that it has sent a mail, and SES has none: set EMAIL_BACKEND to that of django-ses or django-anymail',
      );
      const sender = senderOf(context);
      expect(
        mail.fromAddress === sender,
        `mail comes from ${mail.fromAddress}: read DEFAULT_FROM_EMAIL, which is ${sender}`,
      );
      expect(mail.to.join() === 'ada@example.org', `it goes to ${mail.to.join()}`);
      const set = rehearsal.services
        .map(({ definition }) => definition.environment.AWS_SES_CONFIGURATION_SET)
        .find(Boolean);
      expect(
        mail.configurationSet === set,
        `it names ${mail.configurationSet ?? 'no configuration set'}: read AWS_SES_CONFIGURATION_SET into the settings`,
      );
      return `from ${mail.from}`;
    },
  },
  {
    name: MAIL_FORGED,
    lane: 'mail',
    needs: [MAIL_SENT],
    about: ABOUT,
    applies: hasMail,
    async run(context) {
      const { rehearsal } = context;
      const subject = subjectOf();
      const sender = `somebody-else@${String(senderOf(context)).replace(/^.*@/, '')}`;
      const { taskRole = '' } = pageOf(rehearsal).service.definition;
      const named = rehearsal.signed.roles.valuesOf(taskRole, 'ses:FromAddress');
      if (named.some((pattern) => pattern.includes('@') && matchesPattern(pattern, sender))) {
        throw new NotApplicable('addresses of mail without an asterisk');
      }
      const { exit } = await oneOff(rehearsal, shell(rehearsal, SEND), {
        REHEARSAL_SUBJECT: subject,
        REHEARSAL_SENDER: sender,
      });
      expect(mailsOf(context, subject).length === 0, `a mail from ${sender} was taken: the policy must name senders`);
      expect(exit.code !== 0, `Django does not say that a mail from ${sender} is refused: fail_silently hides it`);
      return undefined;
    },
  },
];

function subjectOf(): string {
  return `rehearsal ${randomBytes(6).toString('hex')}`;
}

function mailsOf({ rehearsal }: CheckContext, subject: string): Mail[] {
  return (rehearsal.signed.ses?.mails ?? []).filter((mail) => mail.subject === subject);
}

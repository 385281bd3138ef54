import type { Announce } from '../../announce';
import type { Answer, SignedService } from './door';
import { type Mail, mailOf, rawOf, type Simple } from './mail';
import type { Roles } from './roles';
import { type Incoming, Refusal } from './signature';

export interface SesProps {
  readonly roles: Roles;
  readonly announce: Announce;
  readonly region: string;
  readonly account: string;
  /** Domains and addresses that SES has verified, in lower case. */
  readonly identities: ReadonlySet<string>;
  readonly configurationSets: ReadonlySet<string>;
  /** Keeps a message; gives where. */
  readonly keep: (mail: Mail) => string;
}

/** What one call sends. */
interface Sending {
  readonly raw: Buffer;
  /** Where the call names it itself. */
  readonly from?: string;
  readonly to: readonly string[];
  readonly configurationSet?: string;
  readonly action: 'ses:SendEmail' | 'ses:SendRawEmail';
}

/**
 * SES as its clients see it, by both versions of its API.
 *
 * It takes a message from an address that the policy of the role names, of an identity and with a
 * configuration set that exist, and keeps it.
 *
 * It delivers nothing, and has no sandbox, quota or suppression list.
 */
export class Ses implements SignedService {
  /** The messages that were sent, in order. */
  readonly mails: Mail[] = [];

  constructor(private readonly props: SesProps) {}

  async answer(request: Incoming, role: string): Promise<Answer> {
    const isSecond = request.url.pathname === '/v2/email/outbound-emails';
    const sending = isSecond ? secondVersion(request) : firstVersion(request);
    const mail = this.send(sending, role);
    const json = JSON.stringify({ MessageId: mail.id });
    const name = sending.action === 'ses:SendRawEmail' ? 'SendRawEmail' : 'SendEmail';
    return isSecond
      ? { status: 200, headers: { 'content-type': 'application/json' }, body: json }
      : {
          status: 200,
          headers: { 'content-type': 'text/xml' },
          body: `<${name}Response xmlns="http://ses.amazonaws.com/doc/2010-12-01/"><${name}Result><MessageId>${mail.id}</MessageId></${name}Result></${name}Response>`,
        };
  }

  /** In the words of the version that was called: JSON with a header for the second, XML for the first. */
  refuse({ code, message, status }: Refusal, { url }: Incoming): Answer {
    const name = code === 'AccessDenied' ? 'AccessDeniedException' : code;
    const xml = `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>${escaped(message)}</Message></Error></ErrorResponse>`;
    return url.pathname.startsWith('/v2/')
      ? {
          status,
          headers: { 'content-type': 'application/json', 'x-amzn-errortype': name },
          body: JSON.stringify({ message }),
        }
      : { status, headers: { 'content-type': 'text/xml' }, body: xml };
  }

  private send({ raw, from, to, configurationSet, action }: Sending, role: string): Mail {
    const { roles, region, account, identities, configurationSets, announce, keep } = this.props;
    const mail = mailOf(raw, { from, to, configurationSet });
    const identity = identityOf(mail.fromAddress, identities);
    const arn = (resource: string) => `arn:aws:ses:${region}:${account}:${resource}`;
    const named = identity ?? mail.fromAddress.replace(/^.*@/, '').toLowerCase();
    const resources = [arn(`identity/${named}`)].concat(
      configurationSet ? [arn(`configuration-set/${configurationSet}`)] : [],
    );
    const context = { 'ses:fromaddress': mail.fromAddress };
    const denied = resources.find((resource) => !roles.allows(role, { action, resource, context }));
    if (denied !== undefined) {
      throw new Refusal(
        'AccessDenied',
        `User \`${role}' is not authorized to perform \`${action}' on resource \`${denied}' from ${mail.fromAddress}`,
      );
    }
    if (identity === undefined) {
      const message = `Email address is not verified. The following identities failed the check in region ${region}: ${mail.fromAddress}`;
      throw new Refusal('MessageRejected', message, 400);
    }
    if (configurationSet !== undefined && !configurationSets.has(configurationSet)) {
      throw new Refusal('ConfigurationSetDoesNotExist', `Configuration set <${configurationSet}> does not exist.`, 400);
    }
    this.mails.push(mail);
    announce.event(`mail from ${mail.fromAddress} to ${mail.to.join(', ')}: ${mail.subject} (${keep(mail)})`);
    return mail;
  }
}

/** The address itself, its domain, or a domain above, whichever is verified. */
function identityOf(address: string, identities: ReadonlySet<string>): string | undefined {
  const lower = address.toLowerCase();
  const labels = lower.replace(/^.*@/, '').split('.');
  return [lower, ...labels.map((_, index) => labels.slice(index).join('.'))].find((name) => identities.has(name));
}

/** @see https://docs.aws.amazon.com/ses/latest/APIReference-V2/API_SendEmail.html */
function secondVersion({ method, body }: Incoming): Sending {
  const input = method === 'POST' ? json(body) : {};
  const { Content = {}, FromEmailAddress: from, Destination = {}, ConfigurationSetName: configurationSet } = input;
  const to = [Destination.ToAddresses, Destination.CcAddresses, Destination.BccAddresses].flatMap((list) => list ?? []);
  const common = { from, to, configurationSet };
  if (Content.Raw !== undefined) {
    // Policies have one name for a raw message, whichever version is called.
    return { ...common, raw: Buffer.from(String(Content.Raw.Data), 'base64'), action: 'ses:SendRawEmail' };
  }
  if (Content.Simple === undefined) {
    throw new Refusal('BadRequestException', 'The double takes raw and simple messages, and no templates.', 400);
  }
  const { Subject, Body = {} } = Content.Simple;
  const simple = { subject: Subject?.Data, text: Body.Text?.Data, html: Body.Html?.Data };
  return { ...common, raw: rawOf({ from: from ?? '', to, ...simple }), action: 'ses:SendEmail' };
}

/** @see https://docs.aws.amazon.com/ses/latest/APIReference/API_SendRawEmail.html */
function firstVersion({ body }: Incoming): Sending {
  const input = new URLSearchParams(body.toString('utf8'));
  const listed = (prefix: string) =>
    [...input].flatMap(([name, value]) => (name.startsWith(`${prefix}.member.`) ? value : []));
  const configurationSet = input.get('ConfigurationSetName') ?? undefined;
  const from = input.get('Source') ?? undefined;
  switch (input.get('Action')) {
    case 'SendRawEmail': {
      const raw = Buffer.from(input.get('RawMessage.Data') ?? '', 'base64');
      return { raw, from, to: listed('Destinations'), configurationSet, action: 'ses:SendRawEmail' };
    }
    case 'SendEmail': {
      const to = ['To', 'Cc', 'Bcc'].flatMap((kind) => listed(`Destination.${kind}Addresses`));
      const simple: Simple = {
        from: from ?? '',
        to,
        subject: input.get('Message.Subject.Data') ?? undefined,
        text: input.get('Message.Body.Text.Data') ?? undefined,
        html: input.get('Message.Body.Html.Data') ?? undefined,
      };
      return { raw: rawOf(simple), from, to, configurationSet, action: 'ses:SendEmail' };
    }
    default:
      throw new Refusal('AccessDenied', `User is not authorized to perform ses:${input.get('Action')}`);
  }
}

// biome-ignore lint/suspicious/noExplicitAny: as SES has it
function json(body: Buffer): any {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new Refusal('SerializationException', 'The body is no JSON.', 400);
  }
}

function escaped(message: string): string {
  return message.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
}

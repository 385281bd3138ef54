import { randomBytes } from 'node:crypto';
import type { Rehearsal } from '../../rehearsal';
import { expect, NotApplicable } from '../check';
import { FrontDoor } from '../front-door';
import { askProject, evaluate, MARK } from './answer';

/** Makes a superuser of whatever model the project has for its users. */
const SUPERUSER = `
import json, os
from django.contrib.auth import get_user_model
from django.db import models
User = get_user_model()
def value(name):
    is_email = isinstance(User._meta.get_field(name), models.EmailField)
    return "rehearsal@example.com" if is_email else "rehearsal"
name = User.USERNAME_FIELD
user = User._default_manager.filter(**{name: value(name)}).first() or User(**{name: value(name)})
for field in User.REQUIRED_FIELDS:
    if isinstance(User._meta.get_field(field), (models.CharField, models.TextField)):
        setattr(user, field, value(field))
for flag in ("is_staff", "is_superuser", "is_active"):
    try:
        setattr(user, flag, True)
    except AttributeError:
        pass
user.set_password(os.environ["REHEARSAL_PASSWORD"])
user.save()
print("${MARK}" + json.dumps(value(name)))
`;

/** A superuser of a project's own, and the pages of the admin by which sessions are looked at. */
interface Account {
  readonly username: string;
  readonly password: string;
  readonly login: string;
  readonly index: string;
}

/** Who logs in at the admin of a project. */
export class Staff {
  private sessions = 0;

  private constructor(
    private readonly rehearsal: Rehearsal,
    private readonly account: Account,
  ) {}

  /** Makes the superuser once; throws NotApplicable where there is no admin, or no such user can be made. */
  static of(rehearsal: Rehearsal): Promise<Staff> {
    const made = staff.get(rehearsal) ?? Staff.make(rehearsal);
    staff.set(rehearsal, made);
    return made;
  }

  private static async make(rehearsal: Rehearsal): Promise<Staff> {
    const { login, index } = await askProject(rehearsal);
    if (login === null || index === null) {
      throw new NotApplicable('the admin');
    }
    const password = randomBytes(18).toString('base64url');
    rehearsal.secrets.remember(password);
    const username = await evaluate<string>(rehearsal, SUPERUSER, { REHEARSAL_PASSWORD: password }).catch(
      (error: Error) => {
        throw new NotApplicable(`a superuser, which the rehearsal could not make: ${error.message}`);
      },
    );
    return new Staff(rehearsal, { username, password, login, index });
  }

  /** Logs in with a browser of its own; throws when the login page does not lead in. */
  async logIn(): Promise<FrontDoor> {
    const { login, username, password, index } = this.account;
    const front = new FrontDoor(this.rehearsal, `staff ${++this.sessions}`, {}, this.host);
    const page = await front.visit(login);
    if (page.status >= 300 && page.status < 400) {
      throw new NotApplicable(`a login page of the admin: ${login} leads to ${page.headers.location}`);
    }
    if (page.status >= 500) {
      // The check of its files says so.
      throw new NotApplicable(`a login page of the admin: ${login} answered ${page.status}`);
    }
    const { status } = await front.submit(login, login, { username, password, next: index });
    expect(
      status !== 403,
      `${login} answered 403 to name and password: read DJANGO_CSRF_TRUSTED_ORIGINS into CSRF_TRUSTED_ORIGINS, or set SECURE_PROXY_SSL_HEADER`,
    );
    expect(status < 400, `${login} answered ${status} to name and password`);
    if (status === 200) {
      throw new NotApplicable(`a login by name and password alone: ${login} asked again`);
    }
    return front;
  }

  /** Whether a browser is logged in; throws when the page fails. */
  async knows(front: FrontDoor): Promise<boolean> {
    const { index } = this.account;
    const { status } = await front.visit(index);
    expect(status < 400, `${index} answered ${status}`);
    return status === 200;
  }

  private get host(): string {
    return new FrontDoor(this.rehearsal, 'staff').hostFor(this.account.login);
  }
}

const staff = new WeakMap<Rehearsal, Promise<Staff>>();

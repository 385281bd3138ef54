import { type CheckContext, NotApplicable } from '../check';
import { knownPage, visit } from '../page';
import { Staff } from './staff';

/**
 * A page that asks the database, where one is known: of the example the start page, otherwise the admin for
 * somebody who is logged in. Gives whether it is answered as ever.
 */
export async function databasePage(context: CheckContext): Promise<() => Promise<boolean>> {
  const { rehearsal, front, guestbook } = context;
  const { status } = await knownPage(context);
  const answers = async () => (await visit(rehearsal, front)).status === status;
  if (guestbook) {
    return answers;
  }
  try {
    const staff = await Staff.of(rehearsal);
    const session = await staff.logIn();
    return async () => (await answers()) && (await staff.knows(session));
  } catch (error) {
    if (error instanceof NotApplicable) {
      return answers;
    }
    throw error;
  }
}

import { lastError } from '../task/last-error';
import { shell } from './any-project/answer';
import { type Check, DATABASE_OF_TEMPLATE, expect, hasDatabase } from './check';
import { MIGRATED, MODELS, PAGES } from './names';
import { oneOff } from './one-off';

/**
 * Asks for the apps of the project alone: packages that are installed have their own migrations, and their
 * defaults may differ.
 */
const QUESTION = `
import sys
from django.apps import apps
from django.core.management import call_command
own = [one.label for one in apps.get_app_configs() if "-packages" not in one.path]
call_command("makemigrations", *own, check_changes=True, dry_run=True, interactive=False) if own else None
`;

export const modelMigrationsCheck: Check = {
  name: MODELS,
  lane: 'project',
  needs: [PAGES],
  after: [MIGRATED],
  about: DATABASE_OF_TEMPLATE,
  applies: hasDatabase,
  async run({ rehearsal }) {
    const { task, exit, lines } = await oneOff(rehearsal, shell(rehearsal, QUESTION));
    const changes = lines.map((line) => line.trim()).filter((line) => /^([+~-] |Migrations for )/.test(line));
    expect(
      exit.code === 0,
      `models have changes without a migration: ${changes.join(' ') || lastError(task)}. Run makemigrations, and commit what it writes`,
    );
    return undefined;
  },
};

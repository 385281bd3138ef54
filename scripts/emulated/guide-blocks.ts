import { readFileSync } from 'node:fs';
import path from 'node:path';

/** The page whose commands are typed. */
export const GUIDE = path.join(__dirname, '..', '..', 'docs', 'first-deployment.md');

/** A fenced block of commands of the page. */
export interface Block {
  /** Line of the page where the commands begin. */
  readonly line: number;
  readonly commands: string;
}

/** What is known of a block, which is found by a text in it. */
export interface Listed {
  readonly has: string;
  /** Single lines that cannot be typed here, each with its reason. */
  readonly except?: readonly { readonly line: string; readonly because: string }[];
}

const NO_VAULT_POLICIES = 'the emulator has no policies and no locks of backup vaults';
const NO_QUOTAS = 'the emulator has no service quotas';

/** Every block of the page, in its order. `npm run emulated` types all but the lines named here. */
export const BLOCKS: readonly Listed[] = [
  { has: 'export STACK=Shop' },
  { has: 'create-service-linked-role' },
  {
    has: 'quota fargate',
    except: [
      { line: 'quota fargate L-3032A538', because: NO_QUOTAS },
      { line: 'quota fargate L-36FBB829', because: NO_QUOTAS },
      { line: 'quota lambda L-B99A9384', because: NO_QUOTAS },
      { line: 'quota ec2 L-0263D0A3', because: NO_QUOTAS },
      { line: 'quota vpc L-F678F1CE', because: NO_QUOTAS },
      { line: 'aws rds describe-event-subscriptions', because: 'the emulator has no event subscriptions of RDS' },
    ],
  },
  { has: 'grep -A 2 FargateVcpu' },
  {
    has: 'aws route53 get-hosted-zone',
    except: [{ line: 'dig +short', because: 'it asks the DNS of the internet, where nobody owns the name' }],
  },
  { has: 'npx cdk deploy "$STACK" --no-rollback' },
  { has: 'describe-stack-events' },
  { has: '--no-enable-termination-protection' },
  { has: '--retain-resources' },
  { has: 'left() {' },
  { has: 'npx cdk destroy "$STACK"' },
  { has: 'aws rds delete-db-snapshot' },
  { has: 'DATABASE=$(ids_of' },
  { has: 'aws elbv2 modify-load-balancer-attributes' },
  { has: 'aws rds delete-db-instance' },
  {
    has: 'aws backup delete-backup-vault',
    except: [
      { line: 'aws backup delete-backup-vault-access-policy', because: NO_VAULT_POLICIES },
      { line: 'aws backup delete-backup-vault-lock-configuration', because: NO_VAULT_POLICIES },
    ],
  },
  { has: 'aws secretsmanager delete-secret' },
  { has: 'aws kms schedule-key-deletion --key-id "$key"' },
];

/** The blocks of a page, in its order. */
export function blocksOf(page: string): Block[] {
  return [...page.matchAll(/^```sh\n(.*?)^```$/gms)].map(({ index, 1: commands }) => ({
    line: page.slice(0, index).split('\n').length + 1,
    commands,
  }));
}

/** The block that each entry stands for: the first that no entry before it stands for. */
export function matched(page: string, listed: readonly Listed[] = BLOCKS): Map<Listed, Block | undefined> {
  const free = blocksOf(page);
  return new Map(
    listed.map((entry) => {
      const at = free.findIndex(({ commands }) => commands.includes(entry.has));
      return [entry, at < 0 ? undefined : free.splice(at, 1)[0]];
    }),
  );
}

/** What is wrong with the list: entries and exceptions without a block, and blocks without an entry. */
export function problemsOf(page: string, listed: readonly Listed[] = BLOCKS): string[] {
  const blocks = matched(page, listed);
  const stale = [...blocks].flatMap(([{ has, except = [] }, block]) => {
    if (block === undefined) {
      return [`no block has "${has}"`];
    }
    const lines = block.commands.split('\n');
    const gone = except.filter(({ line }) => !lines.some((each) => each.startsWith(line)));
    return gone.map(({ line }) => `no line of the block with "${has}" begins with "${line}"`);
  });
  const known = [...blocks.values()].map((block) => block?.line);
  const others = blocksOf(page).filter(({ line }) => !known.includes(line));
  return [...stale, ...others.map(({ line, commands }) => `line ${line}: "${commands.split('\n')[0]}" is not listed`)];
}

/** The page as it is now. */
export function guidePage(): string {
  return readFileSync(GUIDE, 'utf8');
}

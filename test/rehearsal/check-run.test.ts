import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { checkRun } from '../../rehearsal/check-run';
import { Sandbox } from '../../rehearsal/task/sandbox';

let mockMade = 0;
const mockSandboxes: Sandbox[] = [];

/** In the place of a stack that runs: its folder, with a log in it. */
jest.mock('../../rehearsal/rehearsal', () => ({
  rehearse: async ({ cache }: { cache: string }) => {
    const sandbox = new Sandbox(cache);
    mockSandboxes.push(sandbox);
    writeFileSync(path.join(sandbox.folder('logs'), 'web.log'), `log ${++mockMade}`);
    const parts = { listeners: [], services: [], tasks: [] };
    return {
      ...parts,
      sandbox,
      close: () => sandbox.close(),
      imageHas: () => false,
      secrets: { mask: (text: string) => text },
    };
  },
  serve: async () => undefined,
}));

test('checks say what is rehearsed, and one that fails leaves the logs of the copy, too', async () => {
  const cache = mkdtempSync(path.join(tmpdir(), 'check-run-'));
  const lines: string[] = [];
  const Resources = { Web: { Type: 'AWS::ECS::Service' }, Role: { Type: 'AWS::IAM::Role' } };
  const assembly = {
    stackName: 'Shop',
    region: 'eu-central-1',
    account: '123456789012',
    images: new Map(),
    files: new Map(),
    template: { Resources },
  };
  try {
    const outcomes = await checkRun({
      assembly,
      cache,
      write: (line) => lines.push(line),
      verbose: false,
      checks: [
        {
          name: 'copy: fails',
          lane: 'copy',
          inCopy: true,
          run: async () => {
            throw new Error('broken');
          },
        },
      ],
    });
    expect(outcomes).toMatchObject([{ name: 'copy: fails', verdict: 'failed' }]);
    expect(lines.filter((line) => line.includes('1 of 2 resources are rehearsed'))).toHaveLength(1);
    expect(lines.at(-1)).toContain('last-failure');
    const kept = (name: string) => readFileSync(path.join(cache, 'last-failure', name), 'utf8');
    expect([kept('web.log'), kept('copy/web.log')]).toEqual(['log 1', 'log 2']);
  } finally {
    for (const sandbox of mockSandboxes) {
      sandbox.close();
    }
    rmSync(cache, { recursive: true, force: true });
  }
});

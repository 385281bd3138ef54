import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ValkeyServer } from '../../../rehearsal/cache/valkey-server';
import type { Sandbox } from '../../../rehearsal/task/sandbox';

test('a server that ends is not waited for, and how it has ended is said', async () => {
  const directory = mkdtempSync(path.join(tmpdir(), 'valkey-'));
  const program = path.join(directory, 'valkey-server');
  writeFileSync(program, '#!/bin/sh\nexit 3\n', { mode: 0o755 });
  try {
    const started = ValkeyServer.start({
      sandbox: { directory, spawn } as unknown as Sandbox,
      ...{ program, parameters: {}, isOpen: true },
    });
    await expect(started).rejects.toThrow('valkey-server has ended with 3');
  } finally {
    rmSync(directory, { recursive: true });
  }
});

import { spawn } from 'node:child_process';
import { childrenOf } from '../../../rehearsal/load/processes';

test('the children of a process are those that it started, and none once they have ended', async () => {
  const child = spawn('sleep', ['60']);
  expect(childrenOf(process.pid)).toContain(child.pid);
  child.kill();
  await new Promise((resolve) => child.once('close', resolve));
  expect(childrenOf(process.pid)).not.toContain(child.pid);
});

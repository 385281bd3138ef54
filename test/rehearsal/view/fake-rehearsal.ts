import type { Controls, ServiceStatus } from '../../../rehearsal/view/controls';
import { Journal, REHEARSAL } from '../../../rehearsal/view/journal';
import { LiveView } from '../../../rehearsal/view/live-view';

/** A rehearsal without processes, in a real view: what is done to it is said by its log. */
const journal = new Journal();
const web = { name: 'web', desired: 2, numbers: [1, 2], replaced: 0 };
const beat = { name: 'beat', desired: 1, numbers: [1], replaced: 0 };
const services = [web, beat];

function start(service: typeof web): void {
  const number = Math.max(...service.numbers) + 1;
  service.numbers.push(number);
  journal.add(`${service.name}/${number}`, `{"level": "INFO", "message": "booted", "pid": ${number}}`);
}

const serviceOf = (name: string) => services.find((one) => one.name === name.split('/')[0]) as typeof web;

const controls: Controls = {
  title: 'Shop  https://localhost:8443',
  journal,
  logs: '/runs/1/logs',
  schedules: ['Prune', 'Report'],
  secrets: ['SecretKey'],
  status: async () => ({
    services: services.map(
      ({ name, desired, numbers, replaced }): ServiceStatus => ({
        name,
        desired,
        replaced,
        tasks: numbers.map((number) => ({ id: `${name}/${number}`, state: 'healthy', requests: 7 })),
      }),
    ),
    queues: [{ name: 'broker-default', waiting: 3, inWork: 1, dead: 2 }],
  }),
  restart: async (name) => {
    const service = serviceOf(name);
    start(service);
    service.numbers = service.numbers.filter((number) => `${service.name}/${number}` !== name);
    return `${name} is replaced`;
  },
  kill: async (name) => {
    const service = serviceOf(name);
    start(service);
    service.replaced++;
    service.numbers = service.numbers.filter((number) => `${service.name}/${number}` !== name);
    return `${name} is killed`;
  },
  run: async (line, service) => {
    if (line === 'false') {
      throw new Error('one-off/1 ended with exit code 1: no output');
    }
    journal.add('one-off/1', `ran in ${service ?? 'the release'}: ${line}`);
    return `${line}: one-off/1 ended with 0`;
  },
  trigger: async (schedule) => `${schedule} ended with 0`,
  rotate: async (secret) => `${secret} rotated`,
  deploy: async () => 'deployed',
  psql: async () => 'PGSERVICEFILE=/runs/1/psql psql service=app',
};

journal.add('web/1', '{"time": "09:00", "level": "INFO", "message": "GET /shop", "status": 200}');
journal.add(
  'web/2',
  '{"level": "ERROR", "message": "broken", "exception": "Traceback\\nValueError: no \\u001b[31mred"}',
);
journal.add('web/2', `wide ${'漢字'.repeat(60)}`);
journal.add('beat/1', 'beat: Starting…');
journal.add(REHEARSAL, 'all services are healthy');

process.stdout.write('before the view\n');
let asked = false;
const view = new LiveView(controls, stop);
void view.open();
process.on('SIGINT', stop);

function stop(): void {
  if (asked) {
    process.exit(130);
  }
  asked = true;
  view.close();
  process.stdout.write('draining: once more Ctrl-C ends at once\n');
  // Without an end of its own, so that the second Ctrl-C is what ends it; a closed window does, too.
  const draining = setInterval(() => undefined, 1000);
  if (process.argv.includes('--quick')) {
    clearInterval(draining);
    process.stdout.write('stopped\n');
    process.exit(0);
  }
}

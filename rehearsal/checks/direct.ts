import http from 'node:http';
import WebSocket from 'ws';

/** What a process answers when it is asked without the load balancer. */
export function direct(
  port: number,
  path: string,
  host?: string,
  { forged = {}, from }: { readonly forged?: http.OutgoingHttpHeaders; readonly from?: string } = {},
): Promise<{ status: number; headers: http.IncomingHttpHeaders }> {
  const headers = host === undefined ? forged : { host, ...forged };
  return new Promise((resolve, reject) => {
    http
      .get({ host: '127.0.0.1', port, path, headers, agent: false, localAddress: from }, (response) => {
        response.resume();
        resolve({ status: response.statusCode ?? 0, headers: response.headers });
      })
      // A handshake that is accepted although its sender asked for a page.
      .on('upgrade', ({ headers: accepted }, socket) => {
        socket.destroy();
        resolve({ status: 101, headers: accepted });
      })
      .on('error', reject);
  });
}

/** A WebSocket to a process, without the load balancer, from a page of the application. */
export function directWebSocket(port: number, path: string, host: string): WebSocket {
  return new WebSocket(`ws://127.0.0.1:${port}${path}`, { headers: { host, origin: `https://${host}` } });
}

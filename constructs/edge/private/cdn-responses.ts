import { Duration } from 'aws-cdk-lib';
import {
  Function as CloudFrontFunction,
  type ErrorResponse,
  type FunctionAssociation,
  FunctionCode,
  FunctionEventType,
  FunctionRuntime,
} from 'aws-cdk-lib/aws-cloudfront';
import type { Construct } from 'constructs';
import { nameOfThisStack } from '../../core/removal';
import type { CdnOptions } from '../cdn';
import { VIEWER_ADDRESS_HEADER } from '../origin-header';

/** Statuses of errors that CloudFront would keep for ten seconds, and answer other people with, too. */
export const ERRORS = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504];

/** Keeps no error: a page that is refused to one visitor is not what the next one asked for. */
export function errorResponses(pages: { readonly [statusCode: string]: string } = {}): ErrorResponse[] {
  return ERRORS.map((httpStatus) => {
    const responsePagePath = pages[String(httpStatus)];
    const page = responsePagePath === undefined ? {} : { responsePagePath, responseHttpStatus: httpStatus };
    return { httpStatus, ttl: Duration.seconds(0), ...page };
  });
}

/** What runs before everything else: the page of a site that is closed, or the address of the viewer. */
export function viewerFunction(
  scope: Construct,
  id: string,
  { maintenancePage, webAclArn }: CdnOptions,
): FunctionAssociation[] | undefined {
  if (maintenancePage === undefined && webAclArn !== undefined) {
    return undefined; // The firewall at the edge sees the viewer itself.
  }
  const code = maintenancePage === undefined ? VIEWER_ADDRESS : closed(maintenancePage);
  const viewerRequest = new CloudFrontFunction(scope, id, {
    functionName: nameOfThisStack(scope, 64, id),
    comment: maintenancePage === undefined ? 'Address of the viewer' : 'The site is closed',
    code: FunctionCode.fromInline(code),
    runtime: FunctionRuntime.JS_2_0,
  });
  return [{ function: viewerRequest, eventType: FunctionEventType.VIEWER_REQUEST }];
}

const VIEWER_ADDRESS = `function handler(event) {
  event.request.headers['${VIEWER_ADDRESS_HEADER}'] = { value: event.viewer.ip };
  return event.request;
}
`;

/** The code of a function that answers with a page. */
export function closed(page: string): string {
  return `function handler() {
  return {
    statusCode: 503,
    statusDescription: 'Service Unavailable',
    headers: {
      'content-type': { value: 'text/html; charset=utf-8' },
      'cache-control': { value: 'no-store' },
      'retry-after': { value: '300' },
    },
    body: { encoding: 'text', data: ${JSON.stringify(page)} },
  };
}
`;
}

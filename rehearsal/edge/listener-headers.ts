import type { ListenerSettings } from './load-balancer';

const HEADER_ATTRIBUTES = 'routing.http.response.';
/** Attribute of the listener to the header that it sets. */
const HEADERS: Record<string, string> = {
  strict_transport_security: 'strict-transport-security',
  content_security_policy: 'content-security-policy',
  x_content_type_options: 'x-content-type-options',
  x_frame_options: 'x-frame-options',
  access_control_allow_origin: 'access-control-allow-origin',
  access_control_allow_methods: 'access-control-allow-methods',
  access_control_allow_headers: 'access-control-allow-headers',
  access_control_allow_credentials: 'access-control-allow-credentials',
  access_control_expose_headers: 'access-control-expose-headers',
  access_control_max_age: 'access-control-max-age',
};

/**
 * The headers that a listener sets on every answer, by name.
 *
 * Where the target has sent the header, too, its value is replaced.
 *
 * @see https://docs.aws.amazon.com/elasticloadbalancing/latest/application/header-modification.html
 */
export function headersOf({ attributes }: Pick<ListenerSettings, 'attributes'>): ReadonlyMap<string, string> {
  const set = new Map<string, string>();
  for (const [attribute, header] of Object.entries(HEADERS)) {
    const value = attributes[`${HEADER_ATTRIBUTES}${attribute}.header_value`];
    if (value) {
      set.set(header, value);
    }
  }
  return set;
}

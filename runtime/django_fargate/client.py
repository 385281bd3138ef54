"""The client's address behind a load balancer, from X-Forwarded-For."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def networks(values: Iterable[object]) -> list[Network]:
    """The networks among the values of FORWARDED_ALLOW_IPS, as text or as objects; ``*`` is none of them."""
    texts = [str(value).strip() for value in values]
    return [ipaddress.ip_network(text, strict=False) for text in texts if text not in ("", "*")]


def client_address(peer: str, forwarded_for: str, trusted: Iterable[Network]) -> str:
    """
    The right-most address in X-Forwarded-For that is not one of ours.

    Each proxy appends the address that called it, so only the right end can be believed, and only if a trusted proxy
    sent it. The client may have written everything further left itself.
    """
    trusted = list(trusted)
    if not _is_trusted(peer, trusted):
        return peer
    hops = [_without_port(hop.strip()) for hop in forwarded_for.split(",") if hop.strip()]
    for hop in reversed(hops):
        if not _is_address(hop):
            return peer
        if not _is_trusted(hop, trusted):
            return hop
    # A client inside our own network: whom the load balancer saw.
    return hops[-1] if hops else peer


def _is_trusted(address: str, trusted: list[Network]) -> bool:
    return _is_address(address) and any(ipaddress.ip_address(address) in network for network in trusted)


def _is_address(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def _without_port(hop: str) -> str:
    if hop.startswith("["):
        return hop[1:].split("]", 1)[0]
    return hop.rsplit(":", 1)[0] if hop.count(":") == 1 else hop

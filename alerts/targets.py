"""Where a webhook may lead: by https to the public internet, unless the operator allows more.

Pure. A webhook is a request that our machine makes to an address somebody else has chosen, so that
it could be made to speak with what only our machine reaches (OWASP API7:2023, server side request
forgery). The text is judged when it is given; the addresses behind the name each time, since a name
may lead elsewhere by then.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

LONGEST: Final = 2_000
_NAT64: Final = IPv6Network("64:ff9b::/96")
"""RFC 6052: the last 32 bits are an IPv4 address."""


def refusal(url: str, *, private: bool) -> str | None:
    """Why a webhook may not lead there; None when it may, as far as its text says.

    `private`: the operator allows private addresses and plain http.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return "is not a URL"
    plain = url.isascii() and url.isprintable() and " " not in url and len(url) <= LONGEST
    allowed = ("https://", "http://") if private else ("https://",)
    reasons = (
        (not plain, f"must be plain ASCII, at most {LONGEST} characters"),
        (f"{parts.scheme}://" not in allowed, f"must begin with {' or '.join(allowed)}"),
        (not host, "has no host"),
        (port == 0, "has no port that could be called"),
        (_has_extras(parts), "must not have a user, a password or a fragment"),
        (not private and _literal_is_private(host), "leads to a private address"),
    )
    return next((reason for so, reason in reasons if so), None)


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet, whatever it is wrapped in."""
    ip = ip_address(address.partition("%")[0])
    return all(each.is_global and not each.is_multicast for each in _meanings(ip))


def _meanings(ip: IPv4Address | IPv6Address) -> list[IPv4Address | IPv6Address]:
    """The address and those it carries: a router may unwrap them."""
    if isinstance(ip, IPv4Address):
        return [ip]
    if ip.ipv4_mapped is not None:
        # `::ffff:a.b.c.d` is that IPv4 address and nothing else.
        return [ip.ipv4_mapped]
    inside: list[IPv4Address | IPv6Address] = [ip]
    if ip.sixtofour is not None:
        inside.append(ip.sixtofour)
    if ip.teredo is not None:
        inside += ip.teredo
    if ip in _NAT64:
        inside.append(IPv4Address(int(ip) & 0xFFFF_FFFF))
    return inside


def _has_extras(parts: SplitResult) -> bool:
    return parts.username is not None or parts.password is not None or bool(parts.fragment)


def _literal_is_private(host: str | None) -> bool:
    try:
        return not is_public(host or "")
    except ValueError:
        return False

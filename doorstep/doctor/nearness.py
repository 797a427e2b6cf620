"""Whether a host's name means this machine. Pure: no look-up, only what the name says."""

import ipaddress


def is_here(host: str) -> bool:
    """True for a Unix socket's folder (or no host at all), `localhost` and loopback addresses."""
    if not host or host.startswith(("/", "@")):
        return True
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False

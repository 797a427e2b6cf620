import pytest

from alerts.targets import LONGEST, is_public, refusal

PUBLIC = ["93.184.216.34", "2606:2800:220:1:248:1893:25c8:1946", "::ffff:93.184.216.34"]
PRIVATE = [
    "127.0.0.1",
    "127.8.8.8",
    "0.0.0.0",
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "169.254.169.254",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "240.0.0.1",
    "::",
    "::1",
    "fe80::1",
    "fe80::1%eth0",
    "fc00::1",
    "fd12::1",
    "ff02::1",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "64:ff9b::7f00:1",
    "64:ff9b::a9fe:a9fe",
    "2002:7f00:1::",
    "2002:c0a8:101::1",
    "2001:0:7f00:1::",
]


@pytest.mark.parametrize("address", PUBLIC)
def test_the_public_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize("address", PRIVATE)
def test_what_only_this_machine_reaches_is_not(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.example.org/doorstep?key=a%20b",
        "https://hooks.example.org:8443",
        "https://93.184.216.34/",
        "https://[2606:2800:220:1:248:1893:25c8:1946]/x",
    ],
)
def test_https_to_the_public_internet_is_allowed(url: str) -> None:
    assert refusal(url, private=False) is None
    assert refusal(url, private=True) is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://hooks.example.org/", "must begin with https://"),
        ("https://127.0.0.1/", "leads to a private address"),
        ("https://[::1]/", "leads to a private address"),
        ("https://[::ffff:10.0.0.1]:8443/", "leads to a private address"),
    ],
)
def test_what_an_operator_may_allow(url: str, why: str) -> None:
    assert refusal(url, private=False) == why
    assert refusal(url, private=True) is None


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://hooks.example.org/", "must begin with https:// or http://"),
        ("hooks.example.org", "must begin with https:// or http://"),
        ("https:///path", "has no host"),
        ("https://hooks.example.org:0/", "has no port that could be called"),
        ("https://hooks.example.org:99999/", "is not a URL"),
        ("https://[::1/", "is not a URL"),
        ("https://me@hooks.example.org/", "must not have a user, a password or a fragment"),
        ("https://me:word@hooks.example.org/", "must not have a user, a password or a fragment"),
        ("https://hooks.example.org/#here", "must not have a user, a password or a fragment"),
        ("https://hooks.example.org/a b", f"must be plain ASCII, at most {LONGEST} characters"),
        ("https://hooks.example.org/\x07", f"must be plain ASCII, at most {LONGEST} characters"),
        ("https://例子.中国/", f"must be plain ASCII, at most {LONGEST} characters"),
        (f"https://h/{'a' * LONGEST}", f"must be plain ASCII, at most {LONGEST} characters"),
    ],
)
def test_what_nobody_may_give(url: str, why: str) -> None:
    assert refusal(url, private=True) == why

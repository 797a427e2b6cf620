import ssl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.sources.port import SourceRefused
from ingest.sources.refusal import (
    FINAL,
    VersionRefused,
    old_form_code,
    refused_connect,
    refused_dial,
    refused_subscription,
)


@pytest.mark.parametrize("code", range(256))
def test_every_reason_code_is_final_a_version_or_retried(code: int) -> None:
    refusal = refused_connect(code)
    if code == 0x84:
        assert isinstance(refusal, VersionRefused)
    elif code in FINAL:
        assert isinstance(refusal, SourceRefused)
        assert not isinstance(refusal, VersionRefused)
    else:
        assert refusal is None


@pytest.mark.parametrize("code", [0x88, 0x89, 0x97, 0x9C, 0x9F, 0x80])
def test_what_may_pass_is_retried(code: int) -> None:
    assert refused_connect(code) is None


def test_the_broker_is_quoted() -> None:
    assert "(ask Li)" in str(refused_connect(0x87, "ask Li"))


@pytest.mark.parametrize(
    ("head", "code"),
    [
        (b"\x20\x02\x00\x01", 0x84),
        (b"\x20\x02\x00\x02", 0x85),
        (b"\x20\x02\x00\x03", 0x88),
        (b"\x20\x02\x00\x04", 0x86),
        (b"\x20\x02\x00\x05", 0x87),
        (b"\x20\x02\x00\x00", None),
        (b"\x20\x02\x00\x06", None),
        (b"\x20\x02\x00", None),
        (b"\x20\x03\x00\x84", None),
        (b"\x30\x02\x00\x01", None),
        (b"", None),
    ],
)
def test_the_old_form_of_connack(head: bytes, code: int | None) -> None:
    assert old_form_code(head) == code


@given(st.binary(max_size=8))
def test_anything_may_be_looked_at_for_the_old_form(head: bytes) -> None:
    old_form_code(head)


def test_each_filter_must_get_qos_1() -> None:
    assert refused_subscription(["a", "b"], [1, 1]) is None
    for codes in ([1, 0], [0x80, 1], [1, 0x87], [1], [1, 1, 1], [2, 1]):
        assert refused_subscription(["a", "b"], codes) is not None
    assert "subscription to b" in str(refused_subscription(["a", "b"], [1, 0x87]))


def test_only_an_untrusted_certificate_makes_a_dial_final() -> None:
    untrusted = ssl.SSLCertVerificationError(1, "verify failed")
    untrusted.verify_message = "self-signed certificate"
    assert "self-signed" in str(refused_dial(untrusted))
    for passing in (ConnectionRefusedError(), TimeoutError(), ssl.SSLError(), OSError()):
        assert refused_dial(passing) is None

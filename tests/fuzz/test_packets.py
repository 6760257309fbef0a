"""Packets by chance: what the fuzzer's targets for them say holds for many, and each target can fail."""

from __future__ import annotations

from collections.abc import Callable
from unittest import mock

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kaltwisted.bfd import packet as bfd_packet
from kaltwisted.vrrp import hmac
from tests.fuzz import packets

STEPS = st.lists(st.tuples(st.integers(0, 255), st.binary(max_size=80)), max_size=12).map(
    lambda steps: b"".join(bytes((kind, len(data))) + data for kind, data in steps)
)


@settings(max_examples=400)
@given(st.integers(0, len(packets.SETTINGS) - 1), STEPS)
def test_any_packets_leave_a_router_that_lives_on(number: int, steps: bytes) -> None:
    packets.vrrp(bytes((number,)) + steps)


@settings(max_examples=300)
@given(st.integers(0, 7), STEPS)
def test_any_packets_leave_a_session_that_lives_on(multiplier: int, steps: bytes) -> None:
    packets.bfd(bytes((multiplier,)) + steps)


def test_what_they_begin_with() -> None:
    for case in packets.seeds():
        packets.vrrp(case)
    for case in packets.bfd_seeds():
        packets.bfd(case)


@pytest.mark.parametrize(
    ("target", "cases", "what", "broken"),
    [
        (packets.vrrp, packets.seeds, (hmac, "judge"), lambda *_: 1),
        (packets.vrrp, packets.seeds, (hmac, "sign"), lambda *_: bytes(28)),
        (packets.bfd, packets.bfd_seeds, (bfd_packet, "encode"), lambda _: bytes(24)),
    ],
)
def test_a_target_notices(
    target: Callable[[bytes], None],
    cases: Callable[[], list[bytes]],
    what: tuple[object, str],
    broken: Callable[..., object],
) -> None:
    with mock.patch.object(*what, broken), pytest.raises(AssertionError):
        for case in cases():
            target(case)

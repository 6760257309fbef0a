"""bfd.status: sessions in the status document."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.bfd.packet import State
from kaltwisted.bfd.status import status
from tests.unit.bfd_helpers import Driven, packet

EPOCH_US = 1_795_532_000_000_000


class StatusTests(SynchronousTestCase):
    def test_a_session_before_and_after_it_is_up(self) -> None:
        driven = Driven()
        (session,) = json.loads("".join(status([driven.session], EPOCH_US)))["sessions"]
        self.assertEqual((session["state"], session["since"], session["last_seen"]), ("Down", None, None))
        for state in (State.DOWN, State.UP):
            driven.session.receive(packet(state), driven.now)
        (session,) = json.loads("".join(status([driven.session], EPOCH_US)))["sessions"]
        self.assertEqual((session["state"], session["neighbor"]), ("Up", "10.0.0.2"))
        self.assertEqual(session["since"], (driven.now + EPOCH_US) / 1e6)
        self.assertEqual((session["multiplier"], session["detection_ms"]), (3, 30.0))

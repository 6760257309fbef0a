"""Addresses that a killed process left are known to its successor."""

from __future__ import annotations

import json
from ipaddress import ip_address
from pathlib import Path
from unittest import mock

import attrs
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from kaltwisted.config.model import VirtualIpAddress
from kaltwisted.kernel import boot_file
from kaltwisted.kernel.remembered import RememberedAddresses
from kaltwisted.ports import IAddresses, PlacedAddress
from kaltwisted.testing.vrrp import FakeAddresses, FakeLinks

ONE, TWO = (PlacedAddress(2, VirtualIpAddress(ip_address(text), 24)) for text in ("10.0.0.1", "10.0.0.2"))


class RememberedAddressesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.file = Path(self.mktemp())
        self.addresses = self.life()

    def life(self) -> RememberedAddresses:
        """A process' own."""
        self.kernel = FakeAddresses(FakeLinks())
        return RememberedAddresses(self.kernel, self.file)

    def left(self, *configured: PlacedAddress) -> list[str]:
        """What the next life removes when it is configured so."""
        self.successResultOf(self.life().remove_leftovers([each.address for each in configured]))
        return [str(each) for what, addresses in self.kernel.asked if what == "remove" for each in addresses]

    def test_they_are_addresses(self) -> None:
        verifyObject(IAddresses, self.addresses)

    def test_what_stood_at_a_sudden_death_and_is_configured_no_more_is_removed_once(self) -> None:
        self.addresses.add([ONE, TWO])
        self.assertEqual(self.left(TWO), ["10.0.0.1"])
        self.assertEqual(self.left(TWO), [])
        self.assertEqual(self.left(), ["10.0.0.2"])

    def test_they_are_written_down_before_they_are_put(self) -> None:
        self.kernel.held = True
        self.addresses.add([ONE])
        self.assertEqual(self.left(), ["10.0.0.1"])

    def test_what_is_gone_is_nobodys_and_of_nothing_there_is_no_file(self) -> None:
        self.addresses.add([ONE, TWO])
        self.addresses.remove([ONE])
        self.addresses.remove([TWO])
        self.assertFalse(self.file.exists())
        self.assertEqual(self.left(), [])

    def test_what_was_put_otherwise_than_it_is_configured_now_is_removed_as_it_was_put(self) -> None:
        peer = ip_address("10.1.0.1")
        for options in ({"noprefixroute": True}, {"prefix": 32, "peer": peer}, {"prefix": 25}):
            put = attrs.evolve(ONE, address=attrs.evolve(ONE.address, **options))
            self.addresses.add([put])
            self.assertEqual(self.left(put), [])
            life = self.life()
            with mock.patch.object(self.kernel, "remove", wraps=self.kernel.remove) as remove:
                self.successResultOf(life.remove_leftovers([ONE.address]))
            remove.assert_called_once_with([put])
            self.addresses = self.life()

    def test_where_it_is_put_and_who_looks_after_it_is_no_matter(self) -> None:
        self.addresses.add([attrs.evolve(ONE, address=attrs.evolve(ONE.address, dev="vrrp.51", base="eth0"))])
        untracked = attrs.evolve(ONE.address, dev="eth0", no_track=True)
        self.assertEqual(self.left(attrs.evolve(ONE, address=untracked)), [])

    def test_what_is_put_again_while_it_is_removed_is_remembered(self) -> None:
        """As at a reload that changes nothing but an option."""
        self.addresses.add([ONE, TWO])
        self.kernel.held = True
        self.addresses.remove([ONE, TWO])
        self.addresses.add([ONE])
        self.kernel.finish()
        self.assertEqual(self.left(), ["10.0.0.1"])

    def test_another_boot_has_none_of_them(self) -> None:
        self.addresses.add([ONE])
        with mock.patch.object(boot_file, "boot_id", lambda: "another"):
            self.assertEqual(self.left(), [])

    def test_a_broken_file_is_ignored(self) -> None:
        for text in ("", "[]", "{", '{"boot": 1}', "[" * 100_000, "\xff"):
            self.file.write_text(text, encoding="latin-1")
            self.assertEqual(self.left(), [])
        right = [2, "10.0.0.1", 24]
        for odd in (2, right[:2], [2, "10", 24], [2, "10.0.0.1", "x"], [*right, 5], [*right, {"other": 1}]):
            self.file.write_text(json.dumps({"boot": boot_file.boot_id(), "addresses": [odd]}))
            self.assertEqual(self.left(), [])

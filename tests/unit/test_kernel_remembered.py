"""Addresses that a killed process left are known to its successor."""

from __future__ import annotations

from ipaddress import ip_address
from pathlib import Path
from unittest import mock

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
        self.successResultOf(self.life().remove_leftovers({each.address.address for each in configured}))
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

    def test_another_boot_has_none_of_them(self) -> None:
        self.addresses.add([ONE])
        with mock.patch.object(boot_file, "boot_id", lambda: "another"):
            self.assertEqual(self.left(), [])

    def test_a_broken_file_is_ignored(self) -> None:
        for text in ("", "[]", "{", '{"boot": 1}', "[" * 100_000, "\xff"):
            self.file.write_text(text, encoding="latin-1")
            self.assertEqual(self.left(), [])

"""config.advice on the director itself: its networks, and who may read a file with a password."""

from __future__ import annotations

from ipaddress import ip_interface
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.advice import Machine, Networks, advise
from kaltwisted.config.findings import Finding
from kaltwisted.config.include import FileOnDisk
from kaltwisted.config.load import load_file
from tests.unit.test_config_advice import advice, authentication, place_of, read, vip
from tests.unit.test_config_broken import instance, service


def machine(**networks: str) -> Machine:
    there: Networks = {name: tuple(map(ip_interface, words.split())) for name, words in networks.items()}
    return Machine(there, 0)


class NetworkTests(SynchronousTestCase):
    def told(self, text: str, here: Machine) -> list[tuple[str | None, str]]:
        text, place = place_of(text)
        found = [each for each in advice(text, here) if each.rule and each.rule.id == "foreign-address"]
        for finding in found:
            self.assertEqual((finding.position.line, finding.position.column), place)
        return [(each.expected, each.message) for each in found]

    def test_an_address_outside_all_networks(self) -> None:
        text = instance(vip("10.0.0.1\n«192.168.10.9/24"))
        [(expected, message)] = self.told(text, machine(eth0="10.0.0.5/24 fe80::1/64 2001:db8::5/64"))
        self.assertIn("do not hold it: 10.0.0.0/24", message)
        self.assertEqual(expected, "an address of eth0's networks")

    def test_the_interface_that_was_meant(self) -> None:
        text = instance("virtual_ipaddress_excluded {\n«192.168.10.9\n}\n" + vip("10.0.0.1"))
        [(expected, _)] = self.told(text, machine(eth0="10.0.0.5/24", eth1="192.168.10.5/24"))
        self.assertEqual(expected, "192.168.10.9 dev eth1")
        right = text.replace("192.168.10.9", "192.168.10.9 dev eth1")
        self.assertEqual(self.told(right, machine(eth0="10.0.0.5/24", eth1="192.168.10.5/24")), [])

    def test_right_ones(self) -> None:
        for networks in (
            {"eth0": "10.0.0.5/24 192.168.10.1/24"},
            {"eth0": "fe80::1/64"},  # nothing to go by
            {"eth0": "10.0.0.5/32"},
            {"eth1": "10.0.0.5/24"},
            # On a master the virtual addresses are there too, and count as little as on a backup.
            {"eth0": "192.168.10.9/24"},
            {},
        ):
            self.assertEqual(self.told(instance(vip("«192.168.10.9/24")), machine(**networks)), [], networks)

    def test_a_master_and_a_backup_are_told_the_same(self) -> None:
        text = instance(vip("«192.168.10.9/24"))
        for networks in ("10.0.0.5/24", "10.0.0.5/24 192.168.10.9/24"):
            self.assertEqual(len(self.told(text, machine(eth0=networks))), 1)

    def test_an_address_of_this_machine_needs_no_instance(self) -> None:
        text = service("") + instance(vip("10.0.0.9/24"))
        self.assertEqual(len(advice(text)), 1)
        self.assertEqual(advice(text, machine(eth0="10.0.0.1/24")), [])


class SecretTests(SynchronousTestCase):
    TEXT = instance(authentication("PASS", "tops3c"))

    def told(self, mode: int, owner: int = 0, user: int = 1000, text: str = TEXT) -> list[Finding]:
        reading = read(text)
        assert reading.written is not None
        reading.written.source.main.on_disk = FileOnDisk(1, 2, mode, owner)
        return [
            each
            for each in advise(reading.configuration, reading.written, Machine({}, user))
            if each.rule and each.rule.id == "readable-secret"
        ]

    def test_who_may_read_and_change(self) -> None:
        for mode, owner, words in (
            (0o644, 0, "everybody on this machine may read it (mode 0644)"),
            (0o602, 0, "everybody on this machine may change it"),
            (0o666, 1000, "may read and change it"),
            (0o600, 1001, "belongs to user 1001"),
        ):
            [finding] = self.told(mode, owner)
            self.assertIn(words, finding.message)
            self.assertEqual(finding.source_line, "     auth_pass ********")

    def test_right_modes(self) -> None:
        for mode, owner in ((0o600, 0), (0o640, 0), (0o660, 1000)):
            self.assertEqual(self.told(mode, owner), [], oct(mode))

    def test_nothing_secret(self) -> None:
        for text in (
            instance(""),
            instance("authentication {\n auth_type PASS\n auth_pass ${_ENV PASS}\n}"),
            instance(f"{authentication('PASS')}\n".replace("auth_pass secret1", "")),
        ):
            self.assertEqual(self.told(0o644, text=text), [], text)

    def test_a_key_password(self) -> None:
        [finding] = self.told(0o644, text="SSL {\n password tops3c\n keyfile /etc/key\n}\n")
        self.assertNotIn("tops3c", str(finding))

    def test_the_file_that_defines_it(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        main, secrets = folder / "main.conf", folder / "secrets.conf"
        main.write_text(f"include {secrets.name}\n" + instance(authentication("PASS", "$PASS")))
        secrets.write_text("$PASS=tops3c\n")
        main.chmod(0o644)
        for mode, count in ((0o644, 1), (0o600, 0)):
            secrets.chmod(mode)
            reading = load_file(str(main), keep_text=True)
            assert reading.written is not None
            user = secrets.stat().st_uid
            found = advise(reading.configuration, reading.written, Machine({}, user))
            self.assertEqual([each.position.file for each in found], [str(secrets)] * count)
            self.assertNotIn("tops3c", str(found))

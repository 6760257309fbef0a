"""``auth_hmac`` in a configuration: its keys, where they may stand, and that nobody is shown them."""

from __future__ import annotations

from pathlib import Path

import attrs
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.dump import dump
from kaltwisted.config.findings import Severity, render
from kaltwisted.config.formats.conversion import converted
from kaltwisted.config.load import Reading, load_text, open_file
from kaltwisted.config.memory import Memory
from kaltwisted.config.model import AntiReplay, AuthHmac, HmacKey, HmacMode
from kaltwisted.config.source import Source
from kaltwisted.daemon.check import examine
from kaltwisted.daemon.reading import ConfigurationFile

SECRET = "6fd1f3c5b60e4bb0a4c9a1d2f7e83b155d2c90ee17a84f6632b9d05c48ea7f91"
WORDS = "correct horse battery staple, twice"


def text(lines: str, more: str = "version 3") -> str:
    """An instance with this in its ``auth_hmac``."""
    return (
        f"vrrp_instance V {{\n    interface lo\n    virtual_router_id 51\n    {more}\n"
        f"    auth_hmac {{\n{lines}\n    }}\n    virtual_ipaddress {{\n        10.0.0.9\n    }}\n}}\n"
    )


def block(reading: Reading) -> AuthHmac:
    [instance] = reading.configuration.vrrp_instances
    assert instance.auth_hmac is not None
    return instance.auth_hmac


class ReadingTests(SynchronousTestCase):
    def read(self, lines: str, *told: str, more: str = "version 3") -> Reading:
        """Read it; each finding has its part in ``told``."""
        reading = load_text(text(lines, more), "a.conf")
        self.assertEqual(len(reading.findings), len(told), reading.findings)
        for finding, part in zip(reading.findings, told, strict=True):
            self.assertIn(part, finding.message)
        return reading

    def test_defaults(self) -> None:
        found = block(self.read(f"key 7 hex:{SECRET}"))
        self.assertEqual(found, AuthHmac((HmacKey(7, bytes.fromhex(SECRET)),), 7))
        self.assertEqual((found.mode, found.anti_replay), (HmacMode.ENFORCE, AntiReplay.TIME))

    def test_everything(self) -> None:
        lines = f'key 1 "{WORDS}"\nkey 2 file:/etc/k\nactive_key 2\ntime_window 9\nanti_replay monotonic'
        found = block(self.read(f"{lines}\nmode receive-only"))
        keys = HmacKey(1, WORDS.encode()), HmacKey(2, file="/etc/k")
        self.assertEqual(found, AuthHmac(keys, 2, 9, AntiReplay.MONOTONIC, HmacMode.RECEIVE_ONLY))

    def test_an_active_key_that_is_none(self) -> None:
        found = block(self.read(f"key 3 hex:{SECRET}\nactive_key 4", "there is no key 4, so key 3 is used"))
        self.assertEqual(found.active_key, 3)

    def test_a_number_twice(self) -> None:
        self.read(f"key 3 hex:{SECRET}\nkey 3 hex:{SECRET}")
        found = block(self.read(f'key 3 hex:{SECRET}\nkey 3 "{WORDS}"', "key 3 stands here a second time"))
        self.assertEqual(found.keys, (HmacKey(3, bytes.fromhex(SECRET)),))

    def test_without_a_key_the_instance_is_left_out(self) -> None:
        for lines, told in (
            ("mode permissive", "auth_hmac has no key"),
            ("key 1 tiny", "too short"),
            ("key 1 hex:" + SECRET * 3, "too long"),
            ("key 1 hex:" + SECRET[:-1], "not hexadecimal"),
            ("key 0 hex:" + SECRET, "out of range"),
            ("key 1 file:etc/k", "no absolute path"),
        ):
            reading = self.read(lines, told)
            self.assertEqual(reading.configuration.vrrp_instances, (), lines)

    def test_it_takes_the_place_of_authentication(self) -> None:
        more = "authentication {\n auth_type PASS\n auth_pass x\n}"
        reading = self.read(f"key 1 hex:{SECRET}", "its authentication is left out", more=more)
        self.assertIsNone(reading.configuration.vrrp_instances[0].authentication)
        block(reading)

    def test_strict_mode_enforces(self) -> None:
        found = block(
            self.read(
                f"key 1 hex:{SECRET}\nmode permissive", "mode enforce", more="version 3\nstrict_mode on"
            )
        )
        self.assertEqual(found.mode, HmacMode.ENFORCE)

    def test_no_key_is_shown(self) -> None:
        for key in (
            f"key 1 hex:{SECRET}",
            f"key 1 hex:{SECRET} more",
            f"kye 1 hex:{SECRET}",
            f"key {SECRET}",
            f"key 300 {SECRET}",
            f"key 1 hex:{SECRET}g",
            f"active_key hex:{SECRET}",
            f"mode {SECRET}",
            f"key 1 {{ hex:{SECRET} }}",
        ):
            reading = load_text(text(key), "a.conf")
            said = "\n".join(
                (
                    *(render(each) + each.log_line() for each in reading.findings),
                    *dump(reading.configuration),
                    repr(reading),
                )
            )
            self.assertNotIn(SECRET[:8], said, key)

    def test_a_conversion_keeps_each_key(self) -> None:
        lines = f'key 1 "{WORDS}"\nkey 2 hex:{SECRET}\nactive_key 2\nmode permissive'
        path = Path(self.mktemp())
        path.write_text(text(lines))
        source = open_file(str(path))
        assert isinstance(source, Source)
        for form, name in (("json", "a.json"), ("yaml", "a.yaml"), ("keepalived", "a.conf")):
            made = converted(source, form).text
            assert made is not None
            self.assertEqual(block(load_text(made, name)), block(load_text(text(lines), "a.conf")), form)


class KeyFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        folder = Path(self.mktemp()).absolute()
        folder.mkdir()
        self.key, self.file = folder / "vrrp.key", folder / "a.conf"
        self.write(f"hex:{SECRET}\n")
        self.file.write_text(text(f"key 1 file:{self.key}"))

    def write(self, key: str, mode: int = 0o600) -> None:
        self.key.write_text(key)
        self.key.chmod(mode)

    def read(self) -> Reading:
        return ConfigurationFile(str(self.file), vrrp=False).read()

    def told(self) -> list[tuple[Severity, str]]:
        return [(finding.severity, finding.message) for finding in self.read().findings]

    def test_hexadecimal_and_text(self) -> None:
        self.assertEqual(block(self.read()).keys[0].secret, bytes.fromhex(SECRET))
        self.write(WORDS)
        self.assertEqual(block(self.read()).keys[0].secret, WORDS.encode())

    def test_another_key_in_the_same_file_is_a_change(self) -> None:
        reader = ConfigurationFile(str(self.file), vrrp=False)
        before = reader.read()
        self.assertEqual(reader.read().configuration, before.configuration)
        self.write(WORDS)
        self.assertNotEqual(reader.read().configuration, before.configuration)

    def test_what_is_no_key(self) -> None:
        for content, why in (
            ("hex:00", "is no key: the key is too short"),
            ("x" * 65, "the key is too long"),
        ):
            self.write(content)
            [(severity, message)] = self.told()
            self.assertEqual(severity, Severity.ERROR)
            self.assertIn(f"{self.key} ", message)
            self.assertIn(why, message)
            self.assertEqual(self.read().configuration.vrrp_instances, ())
        self.key.unlink()
        [(_, message)] = self.told()
        self.assertIn("cannot be read: No such file", message)

    def test_one_of_two_cannot_be_read(self) -> None:
        self.file.write_text(text(f"key 1 file:/nowhere/k\nkey 2 file:{self.key}\nactive_key 1"))
        reading = self.read()
        self.assertEqual((len(reading.errors), block(reading).active_key), (1, 2))

    def test_others_must_not_read_it(self) -> None:
        for mode in (0o640, 0o604, 0o622):
            self.write(WORDS, mode)
            [(severity, message)] = self.told()
            self.assertEqual(severity, Severity.WARNING)
            self.assertIn("may be read or changed by others", message)
            block(self.read())

    def test_a_place_moves_with_its_block(self) -> None:
        self.write("short")
        reader = ConfigurationFile(str(self.file), vrrp=False)
        lines = []
        for before in ("", "# a line more\n"):
            self.file.write_text(before + text(f"key 1 file:{self.key}"))
            [finding] = reader.read().findings
            lines.append(finding.position.line)
        self.assertEqual(lines, [6, 7])

    def test_keys_in_files_are_looked_at_by_check_on_the_director_only(self) -> None:
        self.write("k" * 32)
        [weak] = examine([str(self.file)]).findings
        self.assertIn("weak", weak.message)
        self.assertEqual(examine([str(self.file)], system=False).findings, ())

    def test_with_a_memory_as_without(self) -> None:
        memory = Memory()
        shape = text(f"key 1 hex:{SECRET}")
        readings = [load_text(shape, "a.conf", memory=memory) for _ in range(2)]
        moved = load_text(f"\n{shape}", "a.conf", memory=memory)
        self.assertEqual(readings[0].configuration, readings[1].configuration)
        where = block(moved).keys[0].where
        assert where is not None
        self.assertEqual(where, attrs.evolve(where, line=7))

"""Keys that stand in files of their own: ``key 1 file:/etc/keepalived/vrrp.key`` of ``auth_hmac``.

They are read at each reading of the configuration, whether it changed or not:
a key is rotated by writing another into its file.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import attrs

from kaltwisted.config import include
from kaltwisted.config.findings import Finding, Severity
from kaltwisted.config.keywords.hmac import LENGTHS, secret_of
from kaltwisted.config.model import AuthHmac, Configuration, HmacKey, VrrpInstance

_OTHERS: Final = 0o077


def with_keys(configuration: Configuration) -> tuple[Configuration, tuple[Finding, ...]]:
    """The configuration with all keys that stand in files, and what is to be said of these.

    An instance that has no key for that is left out, as one whose block has none is.
    """
    findings: list[Finding] = []
    kept = [_instance(each, findings) for each in configuration.vrrp_instances]
    instances = tuple(each for each in kept if each is not None)
    if instances == configuration.vrrp_instances:
        return configuration, tuple(findings)
    return attrs.evolve(configuration, vrrp_instances=instances), tuple(findings)


def _instance(instance: VrrpInstance, findings: list[Finding]) -> VrrpInstance | None:
    auth_hmac = instance.auth_hmac
    if auth_hmac is None or all(key.file is None for key in auth_hmac.keys):
        return instance
    keys = tuple(key for key in _read(auth_hmac, findings) if key.secret)
    if not keys:
        return None
    active = auth_hmac.active_key
    if all(key.id != active for key in keys):
        active = keys[0].id
    return attrs.evolve(instance, auth_hmac=attrs.evolve(auth_hmac, keys=keys, active_key=active))


def _read(auth_hmac: AuthHmac, findings: list[Finding]) -> Iterator[HmacKey]:
    for key in auth_hmac.keys:
        if key.file is None:
            yield key
            continue
        try:
            text, identity = include.read(key.file)
        except include.UnreadableError as refused:
            _tell(findings, Severity.ERROR, key, str(refused), "a readable file with the key in it")
            continue
        secret = secret_of(text.rstrip("\r\n"))
        if isinstance(secret, str):
            _tell(findings, Severity.ERROR, key, f"is no key: {secret}", f"hex:… or text, {LENGTHS}")
            continue
        if identity.mode & _OTHERS:
            why = f"may be read or changed by others (mode {identity.mode:04o})"
            _tell(findings, Severity.WARNING, key, why, f"chmod 600 {key.file}")
        yield attrs.evolve(key, secret=secret)


def _tell(findings: list[Finding], severity: Severity, key: HmacKey, what: str, expected: str) -> None:
    if key.where is not None:
        findings.append(Finding(severity, key.where, f"{key.file} {what}", expected=expected))

"""Read a configuration to run it here: the file, and then what it asks of this machine."""

from __future__ import annotations

import linecache
import os

import attrs

from kaltwisted.alerts.vetting import vet
from kaltwisted.config.key_files import with_keys
from kaltwisted.config.load import Reading, load_file
from kaltwisted.config.memory import Memory
from kaltwisted.config.written import Written
from kaltwisted.daemon.client_tls import with_client_tls
from kaltwisted.daemon.interfaces import missing_interfaces, networks


class ConfigurationFile:
    """The configuration file of one daemon, read at start and at each reload.

    It remembers the reading before, so that a reload costs what changed; one
    thread reads at a time.

    :param vrrp: whether VRRP is to run, which needs the interfaces it names.
    :param system: whether it is to run here; if not, scripts and interfaces of this machine mean nothing.
    :param advise: for a person who asks, once: advice is given, and the text kept.
    """

    def __init__(
        self,
        path: str,
        *,
        config_id: str | None = None,
        all_includes: bool = False,
        vrrp: bool = True,
        system: bool = True,
        advise: bool = False,
    ) -> None:
        self._path = path
        self._config_id = config_id
        self._all_includes = all_includes
        self._vrrp = vrrp
        self._system = system
        self._advise = advise
        self._memory = None if advise else Memory()

    def read(self) -> Reading:
        """As ``config.load.load_file``, with keys, certificates and scripts, and for VRRP interfaces."""
        reading = load_file(
            self._path,
            config_id=self._config_id,
            all_includes=self._all_includes,
            memory=self._memory,
            keep_text=self._advise,
        )
        if self._system:
            found, findings = with_keys(reading.configuration)
            found, more = with_client_tls(found)
            findings = (*reading.findings, *findings, *more)
            reading = attrs.evolve(reading, configuration=found, findings=findings)
        if reading.written is not None:
            reading = self._advised(reading, reading.written)
        if not self._system:
            return reading
        missing = missing_interfaces(reading.configuration) if self._vrrp else ()
        vetted = vet(reading.configuration)
        # The lines that were shown: a file of thousands of servers is not for keeping, and may change.
        linecache.clearcache()
        return attrs.evolve(
            reading,
            configuration=vetted.configuration,
            findings=(*reading.findings, *missing, *vetted.findings),
        )

    def _advised(self, reading: Reading, written: Written) -> Reading:
        # A daemon gives none, and has no memory to spare for what only this needs.
        from kaltwisted.config.advice import Machine, advise

        configuration = reading.configuration
        machine = None
        if self._system:
            machine = Machine(networks() if configuration.vrrp_instances else {}, os.geteuid())
        advice = advise(configuration, written, machine)
        return attrs.evolve(reading, findings=written.in_order((*reading.findings, *advice)))

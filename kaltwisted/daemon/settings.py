"""What the command line asks of the daemon and of each of its roles, as a value."""

from __future__ import annotations

import attrs

DEFAULT_FILE = "/etc/keepalived/keepalived.conf"
DAEMON = 3
"""The syslog facility ``daemon``."""


@attrs.frozen
class Settings:
    """A command line, read and checked.

    ``config_id``: None for the name of the host.
    ``idle_roles``: start roles that have no work, too (keepalived: ``--all``).
    ``respawn``: start a role again that has died (off: keepalived's ``-R``).
    ``single_process``: all roles in the process of the daemon itself.
    ``role_pid_files``: by the role's name, where its pid is written.
    ``instance``: this daemon's name among several; None: it has none.
    ``directory``: for our own files, private to this daemon.
    ``twistd_logs``: the user gave twistd a log of its own, which then wins.
    ``notes``: what to tell the user about his flags.
    """

    file: str = DEFAULT_FILE
    config_id: str | None = None
    all_includes: bool = False
    data_plane: str = "auto"
    strict: bool = False
    dump: bool = False
    keep_ipvs: bool = False
    keep_addresses: bool = False
    checkers: bool = True
    vrrp: bool = True
    bfd: bool = True
    idle_roles: bool = False
    respawn: bool = True
    single_process: bool = False
    role_pid_files: tuple[tuple[str, str], ...] = ()
    instance: str | None = None
    directory: str = ""
    umask: int | None = None
    console: bool = False
    detail: int = 0
    syslog: bool = True
    facility: int = DAEMON
    twistd_logs: bool = False
    notes: tuple[str, ...] = ()

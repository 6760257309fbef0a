"""Where a daemon keeps its own files, so that several run side by side.

Pid file and state go to the first of ``$RUNTIME_DIRECTORY`` (systemd sets it),
``$XDG_RUNTIME_DIR``, ``/run`` for root, and a private directory below
``$TMPDIR``.  Root's login session is no place for a daemon: its
``/run/user/0`` vanishes at logout, so that one value is passed over.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Mapping
from pathlib import Path


def runtime_directory(environ: Mapping[str, str], uid: int) -> Path:
    """The directory for our own files, not created yet."""
    # systemd lists several, parted by colons, when the unit asks for several.
    given = environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    session = environ.get("XDG_RUNTIME_DIR", "")
    if session and not (uid == 0 and Path(session) == Path("/run/user/0")):
        return Path(session) / "keepalived"
    if uid == 0:
        return Path("/run/keepalived")
    return Path(environ.get("TMPDIR") or tempfile.gettempdir()) / f"keepalived-{uid}"


def pid_file(
    environ: Mapping[str, str],
    uid: int,
    name: str = "keepalived",
    *,
    instance: str | None = None,
    use_pid_dir: bool = False,
) -> Path:
    """The default pid file; for root without a directory of its own keepalived's ``/run/keepalived.pid``.

    ``name``: a role's, for the file of its process.  A daemon with a name of its own
    (keepalived: ``instance``) has them in ``/run/keepalived``, as who asks for that.
    """
    directory = runtime_directory(environ, uid)
    if directory == Path("/run/keepalived") and instance is None and not use_pid_dir:
        directory = directory.parent
    return directory / f"{name if instance is None else f'{name}_{instance}'}.pid"


def state_directory(environ: Mapping[str, str], uid: int) -> Path:
    """The directory for what outlives the machine's power, not created yet.

    ``$STATE_DIRECTORY`` (systemd sets it), ``/var/lib/keepalived`` for root without a directory of
    its own, or else the runtime directory.
    """
    given = environ.get("STATE_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    directory = runtime_directory(environ, uid)
    return Path("/var/lib/keepalived") if directory == Path("/run/keepalived") else directory


def api_socket(directory: Path) -> Path:
    """Where a daemon with this runtime directory answers operators."""
    return directory / "api.sock"


def api_sockets(environ: Mapping[str, str], uid: int) -> tuple[Path, ...]:
    """Where who asks looks for a daemon: one of his own, and then the machine's."""
    own = api_socket(runtime_directory(environ, uid))
    return tuple(dict.fromkeys((own, api_socket(Path("/run/keepalived")))))


def prepare(directory: Path) -> Path:
    """Create ``directory`` for us alone (0700), or make sure that it is ours.

    :raises PermissionError: when it belongs to another user or is a symbolic
        link: in a world-writable place that is somebody's trap.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    try:
        directory.mkdir(mode=0o700)
    except FileExistsError:
        pass
    status = directory.lstat()
    if not stat.S_ISDIR(status.st_mode):
        raise PermissionError(f"{directory} is not a directory")
    if status.st_uid != os.geteuid():
        raise PermissionError(f"{directory} belongs to user {status.st_uid}, not to us ({os.geteuid()})")
    return directory


def prepare_for(directory: Path, instance: str | None) -> Path:
    """Prepare ``directory``, and in it the part for the daemon of that name; None: it has none.

    :raises PermissionError: see ``prepare``.
    """
    prepare(directory)
    return directory if instance is None else prepare(directory / instance)

"""Who a script runs as, and whether others could have tampered with it.

keepalived's rule (``enable_script_security``): a script that runs as root must
not lie on a path of which any part may be written by somebody else.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
import stat
from collections.abc import Callable
from functools import cache
from pathlib import Path, PurePosixPath

import attrs

from kaltwisted.config.model import GlobalDefs, Script

SEARCH_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
DEFAULT_USER = "keepalived_script"
_SYMLINKS_FOLLOWED = 40
# <linux/capability.h>: CAP_SETGID is 6, CAP_SETUID 7.
_SETGID_AND_SETUID = 1 << 6 | 1 << 7


@attrs.frozen
class Identity:
    """A user to run scripts as.  ``groups``: whether the system knows him and so his groups."""

    uid: int
    gid: int
    name: str
    home: str = "/"
    groups: bool = True


def identity(user: str, group: str | None) -> Identity:
    """Look ``user`` and ``group`` up, each a name or a number; the group defaults to the user's own.

    :raises LookupError: with what is unknown, in words.
    """
    try:
        entry = pwd.getpwuid(int(user)) if user.isdigit() else pwd.getpwnam(user)
        found = Identity(entry.pw_uid, entry.pw_gid, entry.pw_name, entry.pw_dir)
    except KeyError:
        if not user.isdigit():
            raise LookupError(f"user {user!r} is unknown") from None
        found = Identity(int(user), int(user), user, groups=False)
    if group is None:
        return found
    try:
        gid = int(group) if group.isdigit() else grp.getgrnam(group).gr_gid
    except KeyError:
        raise LookupError(f"group {group!r} is unknown") from None
    return attrs.evolve(found, gid=gid)


def may_become_others(status: Path = Path("/proc/self/status")) -> bool:
    """Whether what we start may become another user: as root, or where CAP_SETUID and CAP_SETGID are ambient.

    Effective is not enough, for it is setpriv(1) that has to change the
    user, and it is ambient capabilities that an ordinary program is given.
    """
    if os.geteuid() == 0:
        return True
    try:
        lines = status.read_text(encoding="ascii", errors="replace").splitlines()
        ambient = next((int(line.split()[1], 16) for line in lines if line.startswith("CapAmb:")), 0)
    except OSError:
        return False
    return ambient & _SETGID_AND_SETUID == _SETGID_AND_SETUID


class Users:
    """Whom scripts run as: the script's own user, else ``script_user``, else DEFAULT_USER if there is one.

    ``may_become_others``: asked once, the first time that it counts.
    """

    def __init__(
        self, global_defs: GlobalDefs, may_become_others: Callable[[], bool] = may_become_others
    ) -> None:
        self._may_become_others = cache(may_become_others)
        self._script_user = global_defs.script_user
        self._known: dict[tuple[str, str | None], Identity] = {}
        self._no_default = False

    def of(self, script: Script) -> Identity | None:
        """Whom to run ``script`` as; None: as we are.

        :raises LookupError: the user is unknown, or we may not become him; in words.
        """
        asked = (script.user, script.group) if script.user is not None else self._script_user
        if asked is None:
            if self._no_default or not self._may_become_others():
                return None
            try:
                who = self._look_up(DEFAULT_USER, None)
            except LookupError:
                self._no_default = True
                return None
        else:
            who = self._look_up(*asked)
        if (who.uid, who.gid) == (os.geteuid(), os.getegid()):
            return None
        if not self._may_become_others():
            raise LookupError(
                f"only root can run it as user {who.name!r}, or who has CAP_SETUID and CAP_SETGID ambient"
            )
        return who

    def _look_up(self, user: str, group: str | None) -> Identity:
        if (user, group) not in self._known:
            self._known[user, group] = identity(user, group)
        return self._known[user, group]


def is_root(who: Identity | None) -> bool:
    """Whether a script that ``Users`` has this answer for runs as root."""
    return (os.geteuid() if who is None else who.uid) == 0


def find(program: str) -> str:
    """The file to run for ``program``, a path or a name.

    :raises LookupError: there is none, in words.
    """
    found = shutil.which(program, path=SEARCH_PATH)
    if found is not None:
        return found
    if "/" in program and os.path.isdir(program):  # noqa: PTH112
        raise LookupError(f"{program} is a directory")
    if "/" in program and os.path.exists(program):  # noqa: PTH110
        raise LookupError(f"{program} is not executable")
    raise LookupError(f"{program} does not exist")


def tampering(
    path: str,
    lstat: Callable[[str], os.stat_result] = os.lstat,
    readlink: Callable[[str], str] = os.readlink,
) -> str | None:
    """Why somebody other than root could change what ``path`` runs, in words; None when nobody can.

    Every directory on the way counts, also on the way of symbolic links
    (``/bin`` on merged-usr systems).  A sticky directory such as /tmp is
    passable where the next part belongs to root: nobody else can replace that.

    :raises OSError: a part is missing or cannot be looked at.
    """
    parts = list(PurePosixPath(path).parts)
    if not parts or parts[0] != "/":
        return f"{path} is not an absolute path"
    done, parts = "/", parts[1:]
    fault = _fault("/", lstat("/"))
    links = 0
    while True:
        if fault is not None and not fault.sticky:
            return fault.words
        if not parts:
            return None
        part = parts.pop(0)
        if part == ".":
            continue
        if part == "..":
            done = os.path.dirname(done)  # noqa: PTH120 - text only; symbolic links are resolved already
            continue
        place = os.path.join(done, part)  # noqa: PTH118
        status = lstat(place)
        if fault is not None and status.st_uid != 0:
            return fault.words
        if stat.S_ISLNK(status.st_mode):
            links += 1
            if links > _SYMLINKS_FOLLOWED:
                return f"{path} has too many symbolic links"
            target = PurePosixPath(readlink(place)).parts
            if target[:1] == ("/",):
                done, target = "/", target[1:]
            parts[:0] = target
        else:
            done = place
        status = lstat(done)
        fault = _fault(done, status)


@attrs.frozen
class _Fault:
    words: str
    sticky: bool


def _fault(path: str, status: os.stat_result) -> _Fault | None:
    """What is wrong with one part of a path, itself no symbolic link."""
    mode = status.st_mode
    sticky = stat.S_ISDIR(mode) and bool(mode & stat.S_ISVTX) and status.st_uid == 0
    if status.st_uid != 0:
        return _Fault(f"{path} belongs to user {status.st_uid}, who may change it", False)
    if mode & stat.S_IWOTH:
        return _Fault(f"{path} is writable by everybody", sticky)
    if mode & stat.S_IWGRP and status.st_gid != 0:
        return _Fault(f"{path} is writable by group {status.st_gid}", sticky)
    return None

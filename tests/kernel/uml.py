"""Run a command in a Linux kernel of its own that has IPVS: User-Mode Linux.

    python tests/kernel/uml.py [--timeout S] [--share DIR]... -- COMMAND ARGUMENTS...

The kernel is Debian's (``apt install user-mode-linux kmod iproute2``), an
ordinary process of this machine that boots in two seconds.  Its root is this
machine's file system, read-only but for the current directory and what is
shared; /run, /tmp, /var/tmp, /var/log and /dev/shm are empty and its own.  Its
network is lo and what COMMAND makes; IPVS and other modules load on demand.
It has one processor; computing is as fast as outside, a fork twenty times slower.

Needs root.  Exit status: COMMAND's; 124 when it took too long, 125 when the
kernel failed.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import fcntl
import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

if __name__ == "__main__":
    # Run by its path, from any directory and by any Python.
    sys.path.insert(0, str(Path(__file__).parents[2]))
from tests.kernel import legacy_registers

KERNEL = Path("/usr/bin/linux.uml")
MODULES = Path("/usr/lib/uml/modules")
TIMED_OUT = 124
KERNEL_FAILED = 125
_CLONE_NEWPID = 0x2000_0000
_CLONE_NEWNET = 0x4000_0000
_PR_SET_CHILD_SUBREAPER = 36
_libc = ctypes.CDLL(None, use_errno=True)
#: What the chaos test is played again by.
CHAOS = ("KALTWISTED_CHAOS_SEED", "KALTWISTED_CHAOS_SECONDS")
_ENVIRONMENT = ("PATH", "HOME", "LANG", "TERM", "CI", "PYTHONHASHSEED", "PYTHONPATH", *CHAOS)

# Process 1 of the guest.  FOLDER is ours on the host, /run/uml in the guest.
_INIT = """\
#!/bin/sh
[ $$ = 1 ] || exit 1
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mountpoint -q /dev || mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/shm /dev/net
mount -t devpts -o ptmxmode=0666 devpts /dev/pts
mknod /dev/net/tun c 10 200
ln -sf /proc/self/fd /dev/fd
for own in /dev/shm /run /tmp /var/tmp /var/log; do mount -t tmpfs -o mode=1777 tmpfs $own; done
mkdir -p /run/uml /run/lock
mount -t hostfs -o {folder} none /run/uml
echo /run/uml/modprobe >/proc/sys/kernel/modprobe
for module in ipv6 ip_vs nf_conntrack; do /run/uml/modprobe $module; done
hostname guest
# No name server: looking a name up fails at once instead of after a long wait.
: >/run/resolv.conf
[ ! -e /etc/resolv.conf ] || mount --bind /run/resolv.conf /etc/resolv.conf
ip link set lo up
while IFS= read -r shared; do
    mkdir -p "$shared"
    mount -t hostfs -o "$shared" none "$shared" || echo "cannot share $shared" >&2
done </run/uml/shares
setsid sh /run/uml/command </dev/null >>/run/uml/stdout 2>>/run/uml/stderr
echo $? >/run/uml/ended
mv /run/uml/ended /run/uml/status
while :; do sleep 60; done
"""

# The modules lie where modprobe would not look.
_MODPROBE = """\
#!/bin/sh
{environment}
exec /sbin/modprobe -d /run/uml/modules "$@"
"""

# The guest's processes are processes of this machine which the kernel process
# traces.  Were only that one killed, they would go on as root of this machine:
# so always the whole process group is killed at once, and by this keeper when we
# ourselves were killed.  They are in a process namespace that ends with it, too.
_KEEPER = 'read -r group; read -r done || { kill -s KILL -- "-$group"; rm -rf -- "$0"; }'


def why_not() -> str | None:
    """What is missing here, or None."""
    if os.geteuid() != 0:
        return "User-Mode Linux with hostfs needs root"
    for needed in (KERNEL, MODULES):
        if not needed.exists():
            return f"no {needed}: apt install user-mode-linux"
    if shutil.which("modprobe", path="/usr/sbin:/sbin") is None:
        return "no modprobe: apt install kmod"
    return None


def run(
    command: Sequence[str],
    *,
    timeout_s: float = 300.0,
    shares: Sequence[Path] = (),
    out: IO[bytes] | None = None,
    err: IO[bytes] | None = None,
) -> int:
    """Run ``command`` in a guest of its own, in the current directory, and pass its output on as it comes."""
    folder = Path(tempfile.mkdtemp(prefix="kaltwisted-uml."))
    try:
        _furnish(folder, command, [Path.cwd(), *shares])
        with _guest(folder) as guest:
            deadline = time.monotonic() + timeout_s
            ended = _follow(folder, guest, deadline, out or sys.stdout.buffer, err or sys.stderr.buffer)
        if not ended:
            print(f"uml: no end after {timeout_s:g} s", file=sys.stderr)
            return TIMED_OUT
        if not (folder / "status").exists():
            log = (folder / "log").read_text(errors="replace")
            print(f"uml: the kernel failed:\n{log[-4000:]}", file=sys.stderr)
            return KERNEL_FAILED
        return int((folder / "status").read_text())
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _furnish(folder: Path, command: Sequence[str], shares: Sequence[Path]) -> None:
    """Put down what the guest reads and writes."""
    environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    environment |= {"MODPROBE_OPTIONS": "-d /run/uml/modules", "PYTHONDONTWRITEBYTECODE": "1"}
    environment |= _own_environment()
    words = ["env", "-i", *(f"{name}={value}" for name, value in environment.items()), *command]
    scripts = {
        "init": _INIT.format(folder=folder),
        # The kernel calls it with an environment of its own.
        "modprobe": _MODPROBE.format(
            environment="".join(f"export {name}={value}\n" for name, value in _own_environment().items())
        ),
        "command": f"cd {shlex.quote(str(Path.cwd()))} || exit 126\nexec {shlex.join(words)}\n",
        "shares": "".join(f"{share.resolve()}\n" for share in shares),
        "stdout": "",
        "stderr": "",
    }
    for name, text in scripts.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    (folder / "modules/lib").mkdir(parents=True)
    (folder / "modules/lib/modules").symlink_to(MODULES)


@contextlib.contextmanager
def _guest(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A running kernel, in process and network namespaces of its own; gone at the end.

    The namespaces are made for this process' next child, and its network is
    then empty for itself too: this is for one guest in a program's life.
    """
    with _processor() as processor, (folder / "log").open("wb") as log:
        keeper = subprocess.Popen(
            ["sh", "-c", _KEEPER, str(folder)], stdin=subprocess.PIPE, start_new_session=True
        )
        assert keeper.stdin is not None
        words = [str(KERNEL), "mem=768M", "root=/dev/root", "rootfstype=hostfs", "rootflags=/", "ro"]
        words += [f"init={folder}/init", "con=null", "con0=null,fd:1", "ssl=null"]
        words += [f"uml_dir={folder}", "umid=guest", "random.trust_cpu=on", "noreboot", "quiet"]
        # What the kernel does not know becomes the environment of its first process.
        words += [f"{name}={value}" for name, value in _own_environment().items()]
        if _libc.unshare(_CLONE_NEWPID | _CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "unshare")
        guest = subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd="/",
            start_new_session=True,
            preexec_fn=lambda: _settle(processor),
        )
        keeper.stdin.write(b"%d\n" % guest.pid)
        keeper.stdin.flush()
        try:
            yield guest
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(guest.pid, signal.SIGKILL)
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.waitpid(-guest.pid, 0)
            keeper.communicate(b"done\n")


def _own_environment() -> dict[str, str]:
    """What every program of a guest has to know on this machine."""
    return legacy_registers.ENVIRONMENT if legacy_registers.needed() else {}


def _settle(processor: int) -> None:
    """In the process that becomes the guest."""
    os.sched_setaffinity(0, [processor])
    if legacy_registers.needed():
        legacy_registers.hide()


@contextlib.contextmanager
def _processor() -> Iterator[int]:
    """A processor for all of the guest's processes, which take turns; if there is, one without a guest."""
    processors = sorted(os.sched_getaffinity(0), reverse=True)
    for processor in processors:
        with Path(f"/run/kaltwisted-uml.processor{processor}").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                continue
            yield processor
            return
    yield processors[os.getpid() % len(processors)]


def _follow(
    folder: Path, guest: subprocess.Popen[bytes], deadline: float, out: IO[bytes], err: IO[bytes]
) -> bool:
    """Pass the output on until the end; False when the deadline came first."""
    with contextlib.ExitStack() as stack:
        streams = [
            (stack.enter_context((folder / "stdout").open("rb")), out),
            (stack.enter_context((folder / "stderr").open("rb")), err),
        ]
        log = stack.enter_context((folder / "log").open("rb"))
        while True:
            # Seen before the output is read, so that none of it is missed.
            panic = b"Kernel panic" in log.read()
            ended = (folder / "status").exists() or guest.poll() is not None or panic
            for source, sink in streams:
                sink.write(source.read())
                sink.flush()
            if ended or time.monotonic() > deadline:
                return ended
            time.sleep(0.02)


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="uml.py", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--timeout", type=float, default=300.0, metavar="S", help="end it after S seconds")
    parser.add_argument(
        "--share", type=Path, action="append", default=[], metavar="DIR", help="writable, too"
    )
    parser.add_argument("command", nargs="+", metavar="COMMAND")
    arguments = parser.parse_args()
    missing = why_not()
    if missing:
        parser.error(missing)
    _libc.prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)  # so that all of the guest's processes are waited for
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    try:
        return run(arguments.command, timeout_s=arguments.timeout, shares=arguments.share)
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


if __name__ == "__main__":
    sys.exit(main())

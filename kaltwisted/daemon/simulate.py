"""``kaltwisted simulate``: several directors on one simulated LAN, to know beforehand what a failure does.

Nothing of this host is touched: no socket is opened, no script is run, and no right is needed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

import attrs
from twisted.python import usage

from kaltwisted import __version__
from kaltwisted.config import include
from kaltwisted.config.examination import written
from kaltwisted.config.findings import Finding, Severity, render
from kaltwisted.config.model import Configuration
from kaltwisted.config.spelling import nearest
from kaltwisted.daemon.output import complain, tell
from kaltwisted.daemon.reading import ConfigurationFile
from kaltwisted.daemon.settings import DEFAULT_FILE
from kaltwisted.daemon.subcommand import FileOptions

if TYPE_CHECKING:
    from kaltwisted.simulation.reading import Script
    from kaltwisted.simulation.rehearsal import Rehearsal
    from kaltwisted.simulation.scenario import Scenario
    from kaltwisted.simulation.topology import Site, Topology

WRONG, UNMET, INTERRUPTED = 1, 3, 130
"""Exit statuses: the command line or a scenario is wrong; a rehearsal came out badly; INT, as shells say."""
SVG, PNG = ".svg", ".png"
LARGEST_SCENARIO = 1024 * 1024
"""Bytes; what is larger is no scenario."""
MOST_SERVERS = 20
"""Real servers whose death is rehearsed when nothing is asked for by name."""

HELP = f"""\
Usage:
  kaltwisted simulate [--scenario NAME | --scenario SCENARIO_FILE]... [--log] [--json]
                      [--picture PICTURE] FILE[@ID]...
  kaltwisted simulate --list FILE[@ID]...

Runs the directors that have these configurations on one simulated LAN, in simulated
time, and tells who holds which address when, for how long nobody does or two do, and
which mails and scripts there would be.  Nothing of this machine is touched.

Without --scenario all ready scenarios are run, with a line for each: every director
is stopped and loses power, every interface goes down, every link is cut one way,
every LAN loses packets, every script, process, BFD session and file that is tracked
fails, every real server dies.  Without FILE it is {DEFAULT_FILE}.

  --scenario     -s NAME  Run only this one, and tell its whole story.  NAME is one of
                          --list, or a file; docs/rehearsing.md tells what is in it.
                          A file without at lines describes the site only.
  --list                  Tell the names of the ready scenarios.
  --log                   In a story, tell also what the daemons would log.
  --json                  One JSON document, see docs/rehearsal.schema.json.
  --picture      -p FILE  Draw who had which address when: FILE.svg, or FILE.png,
                          which needs the package cairosvg.
  --config-id    -i ID    What lines that begin with @ID or @^ID are for, in all
                          files; FILE@ID says it for one.
  --all-config   -e       Take every problem of an include as fatal.
  --help         -h       Display this help.
  --version      -v       Display the version number.

The exit status is 0 when no address had no owner, or two, for longer than allowed,
and every expect line was met, else 3.  1: the command line or a scenario is wrong;
2, 5 or 6: a configuration cannot be used, as kaltwisted check tells.
"""


class SimulateOptions(FileOptions):
    """The words behind ``simulate``."""

    help = HELP
    optFlags = [
        ["list", None, "the names of the ready scenarios"],
        ["log", None, "what the daemons would log"],
        ["json", None, "one JSON document"],
    ]
    optParameters = [["picture", "p", None, "where to draw it"]]

    def __init__(self) -> None:
        super().__init__()
        self.scenarios: list[str] = []

    def opt_scenario(self, name: str) -> None:
        """a ready scenario, or a file"""
        self.scenarios.append(name)

    opt_s = opt_scenario

    def postOptions(self) -> None:
        """One question at a time."""
        if self["list"] and self.scenarios:
            raise usage.UsageError("--list or --scenario, not both")
        if self["picture"] is not None and not self["picture"].lower().endswith((SVG, PNG)):
            raise usage.UsageError(
                f"--picture {self['picture']}: the name of a picture ends in {SVG} or {PNG}"
            )
        self.files = self.files or (DEFAULT_FILE,)


@attrs.frozen
class Named:
    """A file to read, and the configuration id that it is read with."""

    file: str
    config_id: str | None


def main(words: Sequence[str]) -> int:
    """Do what the words behind ``simulate`` say; returns the exit status."""
    options = SimulateOptions()
    if not options.read(words, "simulate"):
        return WRONG
    try:
        return _run(options)
    except KeyboardInterrupt:
        # A year of a hundred instances takes its time, and who has enough of it needs no traceback.
        complain("kaltwisted simulate: interrupted\n")
        return INTERRUPTED


def _run(options: SimulateOptions) -> int:
    named = [_named(file, options["config-id"]) for file in options.files]
    configurations: dict[str, Configuration] = {}
    for name, each in zip(_names(named), named, strict=True):
        reading = ConfigurationFile(
            each.file,
            config_id=each.config_id,
            all_includes=bool(options["all-config"]),
            system=False,
        ).read()
        _complain(finding for finding in reading.findings if finding.severity is Severity.ERROR)
        if reading.fatal is not None:
            return reading.fatal
        configurations[name] = reading.configuration
    return _simulate(options, configurations)


def _simulate(options: SimulateOptions, configurations: dict[str, Configuration]) -> int:
    from kaltwisted.simulation.ready import ready
    from kaltwisted.simulation.rehearsal import rehearse
    from kaltwisted.simulation.topology import Site, lay_out

    topology = lay_out(configurations)
    if not topology.addresses and not any(each.virtual_servers for each in configurations.values()):
        complain(
            "kaltwisted simulate: nothing to rehearse: there is no vrrp_instance, and no virtual_server\n"
        )
        return WRONG
    site = Site()
    own: list[tuple[Topology, Scenario]] = []
    names = []
    for name in options.scenarios:
        if not _is_file(name):
            names.append(name)
            continue
        script = _script(name, configurations, site)
        if script is None:
            return WRONG
        if script.scenario is None:
            site, topology = script.site, script.topology
        else:
            own.append((script.topology, script.scenario))
    there = {each.name: each for each in ready(topology)}
    for name in names:
        if name not in there:
            meant = nearest(name, there)
            hint = f": did you mean {meant}?" if meant else "; --list tells the ready ones"
            complain(f"kaltwisted simulate: {name} is no file, and no ready scenario{hint}\n")
            return WRONG
        own.append((topology, there[name]))
    if options["list"]:
        width = max(map(len, there))
        tell("".join(f"{each.name:{width}}  {each.title}\n" for each in there.values()))
        return 0
    servers = [name for name in there if name.startswith("server-")]
    left_out = frozenset(() if own else servers[MOST_SERVERS:])
    asked = own or [(topology, each) for name, each in there.items() if name not in left_out]
    rehearsals = [rehearse(*each) for each in asked]
    return _report(options, rehearsals, stories=bool(own), left_out=len(left_out))


def _report(
    options: SimulateOptions, rehearsals: Sequence[Rehearsal], *, stories: bool, left_out: int
) -> int:
    """Tell it in the form that was asked for."""
    from kaltwisted.simulation import report, report_json

    log = bool(options["log"])
    if options["picture"] is not None and not _draw(options["picture"], rehearsals):
        return WRONG
    if options["json"]:
        tell(written(report_json.document(rehearsals, __version__, log=log)))
    else:
        parts = [list(report.site(rehearsals[0].topology))]
        if stories:
            parts += [list(report.story(rehearsal, log=log)) for rehearsal in rehearsals]
        else:
            parts.append(list(report.table(rehearsals)))
        if left_out:
            parts.append([f"{left_out} more real servers were left out; --scenario takes them by name"])
        parts.append(list(report.mistakes(rehearsals)))
        tell("\n\n".join("\n".join(part) for part in parts if part) + "\n")
    return 0 if all(rehearsal.judgement.good for rehearsal in rehearsals) else UNMET


def _draw(name: str, rehearsals: Sequence[Rehearsal]) -> bool:
    """Write a picture; false, and a word on stderr, if that cannot be."""
    from kaltwisted.simulation.picture import svg

    data = svg(rehearsals).encode()
    if name.lower().endswith(PNG):
        try:
            import cairosvg
        except (ImportError, OSError) as error:  # OSError: it does not find libcairo
            complain(
                f"kaltwisted simulate: {PNG} needs cairosvg ({error}): pip install 'kaltwisted[png]',"
                f" and libcairo2; {SVG} needs neither\n"
            )
            return False
        data = cairosvg.svg2png(bytestring=data)
    try:
        Path(name).write_bytes(data)
    except (OSError, ValueError) as error:
        complain(f"kaltwisted simulate: the picture cannot be written: {error}\n")
        return False
    return True


# -- files ---------------------------------------------------------------------------------


def _named(word: str, config_id: str | None) -> Named:
    """``FILE`` or ``FILE@ID``."""
    file, separator, own = word.rpartition("@")
    if not separator or not own or "/" in own or _is_file(word):
        return Named(word, config_id)
    return Named(file, own)


def _names(named: Sequence[Named]) -> list[str]:
    """What to call the directors: by their ids, the files' names, or the directories that these are in."""
    stems = [PurePath(each.file).stem for each in named]
    choices = [[each.config_id or stem for each, stem in zip(named, stems, strict=True)], stems]
    choices += [[_parent(each.file, depth) for each in named] for depth in (1, 2)]
    names = next((each for each in choices if len(set(each)) == len(each)), stems)
    plain = [
        "".join(letter if letter.isalnum() or letter in "._" else "-" for letter in name) for name in names
    ]
    if len(set(plain)) < len(plain):
        return [f"{name or 'director'}-{number}" for number, name in enumerate(plain, 1)]
    return [name or f"director-{number}" for number, name in enumerate(plain, 1)]


def _parent(file: str, depth: int) -> str:
    parents = PurePath(file).parts[:-1]
    return parents[-depth] if len(parents) >= depth else ""


def _is_file(name: str) -> bool:
    try:
        return Path(name).is_file()
    except (OSError, ValueError):
        return False


def _script(name: str, configurations: dict[str, Configuration], site: Site) -> Script | None:
    """What a scenario file says; None, and a word on stderr, if something is wrong with it."""
    from kaltwisted.simulation.reading import read_scenario

    text = _read(name)
    script = None if text is None else read_scenario(text, name, configurations, site)
    if script is not None and script.findings:
        _complain(script.findings)
        return None
    return script


def _read(name: str) -> str | None:
    """The text of a scenario; None, and a word on stderr, if it cannot be one."""
    try:
        if Path(name).stat().st_size > LARGEST_SCENARIO:
            complain(f"{name}: is larger than {LARGEST_SCENARIO:,} bytes, and no scenario\n")
            return None
        text, _ = include.read(name)
    except (OSError, include.UnreadableError) as error:
        complain(f"{name}: cannot be read: {error}\n")
        return None
    return text


def _complain(findings: Iterator[Finding] | Sequence[Finding]) -> None:
    complain("".join(f"{render(finding)}\n" for finding in findings))

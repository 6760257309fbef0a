"""Fuzz the reader of configurations, and what hears packets, guided by what of it is reached.

    python tests/fuzz/fuzz_config.py [--seconds N] [--target NAME] [--keep DIR] [--seed N]

Each target has its share of the time.  A text that breaks one is left in the
present folder; with a name that says why, it belongs in
``tests/fuzz/crashers/TARGET``, where every run of the tests tries it.
``--keep``: where texts that reach something new are kept for the next run.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent.parent))

LONGEST_TEXT = 4096
MOST_MEMORY_MB = 1024
# The engine's limit for one text, which is for what never ends; the target's own is in CPU time.
HANGS_S = 25
_STATUS = re.compile(r"#(\d+)\s+(INITED|NEW|REDUCE|pulse|DONE)\s+cov: (\d+).* rss: (\d+)Mb")
_RATE = re.compile(r"stat::average_exec_per_sec: +(\d+)")

NO_ATHERIS = "needs atheris (pip install atheris), which has wheels for Linux on x86-64"


def words() -> Iterator[str]:
    """What configurations are made of."""
    from kaltwisted.config.include import CHECK_WORDS, KEYWORDS
    from kaltwisted.config.keywords.table import Stage, tables
    from kaltwisted.config.keywords.top import TOP
    from tests.unit.config_values import values

    yield from ("$A=", "${A}", "$A", "~SEQ(n, 3) ", "~LST({a,b}, {1,2}, 3) ", "$n", "\\\n", "@lb1 ", "@^lb1 ")
    yield from ("{", "}", " {\n", "}\n", '"', "#", "!", "\0", "\r\n", "\ufeff", "--- a.conf\n", "--- then\n")
    yield from ("--- secret\n", "include a.conf\n", "${_ENV VIP}", "${_RANDOM 1 9}")
    yield from ("10.0.0.1", "2001:db8::1", "authentication {\n", "vrrp_instance V {\n")
    yield from (*KEYWORDS, *CHECK_WORDS)
    for table in tables(TOP):
        for word, keyword in table.keywords.items():
            yield word
            if keyword.convert is not None and keyword.stage is not Stage.KNOWN and word != "nat_mask":
                found = values(table, word, keyword)
                yield from (value.replace("«", "") for value in (*found.right[:2], *found.wrong[:2]))


def dictionary() -> str:
    """The words as the engine wants them."""
    lines = []
    for word in dict.fromkeys(words()):
        escaped = "".join(
            chr(byte) if 32 <= byte < 127 and byte not in b'"\\' else f"\\x{byte:02x}"
            for byte in word.encode(errors="surrogateescape")
        )
        if escaped:
            lines.append(f'"{escaped}"\n')
    return "".join(lines)


def fuzz(target: str, engine: list[str]) -> None:
    """Become the engine, for one target; does not return."""
    import atheris

    packages = [f"kaltwisted.{room}" for room in ("config", "vrrp", "bfd")]
    with atheris.instrument_imports(include=packages):
        from tests.fuzz.targets import TARGETS, small_world
    one = TARGETS[target].try_on

    with small_world():
        atheris.Setup([sys.argv[0], *engine], one)
        atheris.Fuzz()


def texts(target: str) -> tuple[Path, Path]:
    """Folders of what a target begins with, and of what broke it once."""
    from tests.fuzz.targets import TARGETS

    return HERE / "corpus" / TARGETS[target].corpus, HERE / "crashers" / target


def _seeds(target: str, folder: Path) -> list[Path]:
    """A folder of what a target for bytes begins with."""
    from tests.fuzz.targets import TARGETS

    seeds = TARGETS[target].seeds
    if seeds is None:
        return []
    (made := folder / "seeds").mkdir()
    for number, data in enumerate(seeds()):
        (made / str(number)).write_bytes(data)
    return [made]


def run(target: str, options: argparse.Namespace) -> bool:
    """One target in a process of its own; whether it held."""
    with tempfile.TemporaryDirectory() as folder:
        (words_file := Path(folder) / "words").write_text(dictionary())
        found = Path(options.keep) / target if options.keep else Path(folder) / "found"
        found.mkdir(parents=True, exist_ok=True)
        kept = [path for path in (*texts(target), *_seeds(target, Path(folder))) if path.is_dir()]
        engine = [
            f"-dict={words_file}",
            f"-max_len={LONGEST_TEXT}",
            f"-rss_limit_mb={MOST_MEMORY_MB}",
            f"-timeout={HANGS_S}",
            f"-artifact_prefix=./{target}-",
            f"-seed={options.seed}",
            f"-max_total_time={options.seconds}",
            "-print_final_stats=1",
            str(found),
            *map(str, kept),
        ]
        done = subprocess.run(
            [sys.executable, __file__, "--only", target, "--", *engine],
            stderr=subprocess.PIPE,
            text=True,
            errors="replace",
            timeout=options.seconds + 300,
            check=False,
        )
        _tell(target, done.stderr, done.returncode, len(list(found.iterdir())))
    return done.returncode == 0


def _tell(target: str, told: str, status: int, kept: int) -> None:
    seen = [match.groups() for match in _STATUS.finditer(told)]
    rate = _RATE.search(told)
    if seen:
        first = next((each for each in seen if each[1] == "INITED"), seen[0])
        last = seen[-1]
        print(
            f"{target}: {int(last[0]):,} texts, {rate[1] if rate else '?'} a second; branches reached: "
            f"{first[2]} by the corpus, {last[2]} at the end; {kept} texts kept; {last[3]} MB",
            flush=True,
        )
    if status or not seen:
        lines = [line for line in told.splitlines() if not line.startswith(("INFO:", "#"))]
        print("\n".join(lines[-40:]), flush=True)


def main(arguments: list[str]) -> int:
    """Do what the command line says."""
    from tests.fuzz.targets import TARGETS

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seconds", type=int, default=120, help="of all targets together (120)")
    parser.add_argument("--target", choices=TARGETS, help="only this one")
    parser.add_argument("--keep", metavar="DIR", help="keep new texts here")
    parser.add_argument("--seed", type=int, default=1, help="of chance (1)")
    options = parser.parse_args(arguments)
    try:
        import atheris  # noqa: F401
    except ImportError:
        print(NO_ATHERIS, file=sys.stderr)
        return 1
    targets = [options.target] if options.target else list(TARGETS)
    options.seconds = max(1, options.seconds // len(targets))
    held = [run(target, options) for target in targets]
    return 0 if all(held) else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["--only"]:
        fuzz(sys.argv[2], sys.argv[4:])
    sys.exit(main(sys.argv[1:]))

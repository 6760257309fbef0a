"""The commands that steer a daemon: what they send, what they say, how they end."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from kaltwisted.api.override import GIVES_BACK, Action, Wish
from kaltwisted.client import steer
from kaltwisted.client.connection import Daemon, NoAnswerError
from kaltwisted.daemon.command import STEERING

SERVER = "tcp/192.0.2.1:80/10.0.0.1:80"
OVERRIDE = {
    "kind": "real_server",
    "target": SERVER,
    "action": "weight",
    "value": 7,
    "by": "root (uid 0)",
    "at": 0.0,
    "reason": "new disk",
    "configured": True,
}
CHECK = {
    "server": SERVER,
    "kind": "TCP_CHECK",
    "target": "10.0.0.1:80",
    "good": True,
    "result": "success",
    "latency_ms": 1.25,
    "up": True,
    "paused": False,
}


class Response(BytesIO):
    def __init__(self, status: int, answer: object) -> None:
        super().__init__(json.dumps(answer).encode())
        self.status = status


@contextmanager
def answering(status: int, answer: object) -> Iterator[list[tuple[str, str, Any]]]:
    sent: list[tuple[str, str, Any]] = []

    def send(self: Daemon, method: str, path: str, body: bytes | None, *_: object) -> Response:
        sent.append((method, path, body and json.loads(body)))
        return Response(status, answer)

    with mock.patch.object(Daemon, "_send", send):
        yield sent


def run(*words: str) -> int:
    return steer.main(words, (Path("/nowhere/api.sock"),))


@pytest.mark.parametrize(
    ("words", "wish"),
    [
        ("drain x --reason why", {"target": "x", "action": "drain", "reason": "why"}),
        ("disable x --force", {"target": "x", "action": "disable", "reason": "", "force": True}),
        ("enable x", {"target": "x", "action": "enable", "reason": ""}),
        ("weight x 7", {"target": "x", "action": "weight", "reason": "", "value": 7}),
        ("weight x configured", {"target": "x", "action": "unweight", "reason": ""}),
        ("pause x", {"target": "x", "action": "pause", "reason": ""}),
        ("resume x", {"target": "x", "action": "resume", "reason": ""}),
        ("yield x", {"target": "x", "action": "yield", "reason": ""}),
        ("prefer x", {"target": "x", "action": "prefer", "reason": ""}),
        ("release x", {"target": "x", "action": "release", "reason": ""}),
    ],
)
def test_what_is_sent_is_what_the_daemon_reads(words: str, wish: dict[str, object]) -> None:
    with answering(200, {"overrides": []}) as sent:
        assert run(*words.split()) == 0
    assert sent == [("PUT", "/api/v1/overrides", wish)]
    assert Wish.read(wish).target == "x"


def test_all_that_the_daemon_can_is_a_command() -> None:
    assert {*(each.value for each in Action), *GIVES_BACK} - {"unweight"} == set(steer.ACTIONS)
    assert set(STEERING) == {*steer.ACTIONS, "overrides", "run-check"}


def test_what_was_done_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(200, {"overrides": [OVERRIDE]}):
        run("weight", "x", "7")
    with answering(200, {"removed": [OVERRIDE]}):
        run("release", "x")
    assert capsys.readouterr().out == f"weight 7 {SERVER}\nno longer: weight 7 {SERVER}\n"


@pytest.mark.parametrize(("code", "status"), [(400, 1), (404, 1), (409, 1), (503, 3)])
def test_a_refusal_is_told(code: int, status: int, capsys: pytest.CaptureFixture[str]) -> None:
    with answering(code, {"error": "x is no target", "remedy": "did you mean y?"}):
        assert run("drain", "x") == status
    assert capsys.readouterr().err == "kaltwisted drain: x is no target: did you mean y?\n"


def test_where_no_daemon_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("drain", "x") == NoAnswerError("").status
    assert "no daemon is running here" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [["drain"], ["weight", "x"], ["weight", "x", "heavy"], ["overrides", "x"], ["pause", "x", "--force"]],
)
def test_wrong_words(words: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        run(*words)
    assert raised.value.code == 2


def test_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    gone = {**OVERRIDE, "target": "VI_1", "action": "yield", "value": None, "configured": False, "reason": ""}
    with (
        answering(200, {"overrides": [OVERRIDE, gone]}) as sent,
        mock.patch("time.localtime", lambda at: GMT),
    ):
        assert run("overrides") == 0
    assert sent == [("GET", "/api/v1/overrides", None)]
    first, second = capsys.readouterr().out.splitlines()
    assert first.split() == [
        "weight",
        "7",
        SERVER,
        "1970-01-01",
        "00:00:00",
        "root",
        "(uid",
        "0)",
        "new",
        "disk",
    ]
    assert second.startswith("yield     VI_1  (without target: not configured now)  1970-01-01")
    with answering(200, {"overrides": []}):
        assert run("overrides") == 0
    assert capsys.readouterr().out == "nothing is overridden\n"


GMT = (1970, 1, 1, 0, 0, 0, 3, 1, 0)


def test_checks(capsys: pytest.CaptureFixture[str]) -> None:
    with answering(200, {"checks": [CHECK]}) as sent:
        assert run("run-check", "x") == 0
    assert sent == [("POST", "/api/v1/checks/run", {"target": "x"})]
    said = capsys.readouterr().out
    assert said == f"good  {SERVER}  TCP_CHECK 10.0.0.1:80  success  1.2 ms  counts as up\n"
    bad = {**CHECK, "good": False, "latency_ms": None, "up": False, "paused": True}
    with answering(200, {"checks": [CHECK, bad]}):
        assert run("run-check", "x") == 1
    assert "counts as down, paused" in capsys.readouterr().out
    with answering(200, {"checks": []}):
        assert run("run-check", "x") == 0
    assert capsys.readouterr().out == "x has no checks\n"

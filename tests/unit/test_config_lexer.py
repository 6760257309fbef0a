"""Words, quotes, comments and braces of a line; the second reading of a script's line."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.config.lexer import SPECIAL, Kind, command_words, tokens

LINES = {
    "lb_algo rr": ["lb_algo", "rr"],
    "\tlb_algo \t rr\r": ["lb_algo", "rr"],
    "router_id lb\\#1     ! name is lb#1": ["router_id", "lb#1"],
    'auth_pass "a!b#c"   # marks kept': ["auth_pass", "a!b#c"],
    "lb_algo 'x # y'": ["lb_algo", "'x"],
    "lb_algo rr#note": ["lb_algo", "rr"],
    'ab"cd"': ["ab", "cd"],
    'x ""': ["x", ""],
    'x "a \\" y': ["x", "a \\", "y"],
    "real_server 10.0.0.1 80 { weight 5 }": ["real_server", "10.0.0.1", "80", "{", "weight", "5", "}"],
    "TCP_CHECK{": ["TCP_CHECK", "{"],
    'path "/a{b}"': ["path", "/a{b}"],
    "path /${NAME}x": ["path", "/${NAME}x"],
    "a\u00a0b": ["a\u00a0b"],
    "": [],
}


class TokenTests(SynchronousTestCase):
    def test_lines(self) -> None:
        for line, expected in LINES.items():
            self.assertEqual([t.text for t in tokens(line) if t.kind is not Kind.COMMENT], expected, line)

    def test_open_quote_takes_the_rest_of_the_line(self) -> None:
        self.assertEqual(
            [(token.kind, token.start) for token in tokens('lb_algo "rr # x')],
            [(Kind.WORD, 0), (Kind.LOST, 8)],
        )

    @given(st.text(alphabet=st.characters(exclude_characters="\n")))
    def test_tokens_are_in_order_and_lose_nothing_but_blanks(self, line: str) -> None:
        end = 0
        for token in tokens(line):
            self.assertEqual(line[end : token.start].strip(" \t\r"), "")
            self.assertLess(token.start, token.end)
            end = token.end
        self.assertEqual(line[end:].strip(" \t\r"), "")

    @given(st.text(alphabet=st.characters(exclude_characters="\n")))
    def test_the_short_way_cuts_a_simple_line_as_the_long_way_does(self, line: str) -> None:
        if SPECIAL(line) is None:
            self.assertEqual(line.split(), [token.text for token in tokens(line)])


class CommandWordTests(SynchronousTestCase):
    def test_commands(self) -> None:
        for text, expected in {
            "/bin/x": ["/bin/x"],
            "/bin/x one  two": ["/bin/x", "one", "two"],
            "/bin/x 'one two' \"three four\"": ["/bin/x", "one two", "three four"],
            "a'b c'd": ["ab cd"],
            "x ''": ["x", ""],
            r"tab\tx \x41\102\cA \q": ["tab\tx", "AB\x01", "q"],
            "": [],
        }.items():
            self.assertEqual(command_words(text), expected, text)

    def test_open_quote(self) -> None:
        self.assertIs(command_words("/bin/x 'one"), None)

    @given(st.text())
    def test_any_text_is_cut(self, text: str) -> None:
        command_words(text)

    @given(st.lists(st.text(alphabet="abc /-=#", min_size=1), min_size=1))
    def test_quoted_words_come_back(self, words: list[str]) -> None:
        self.assertEqual(command_words(" ".join(f'"{word}"' for word in words)), words)

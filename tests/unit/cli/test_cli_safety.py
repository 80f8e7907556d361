"""Words of an ERP, of Amazon or of a file reach the screen as they are, and do nothing to it."""

import json
from pathlib import Path

import pytest

from ml_connector.cli import output
from ml_connector.cli.main import main
from ml_connector.domain.errors import WrongUse

#: As SAP writes, and as somebody who wants to take over a terminal writes.
WORDS = "[JournalEntries.AccountCode][line: 3] '[/b1s]' :warning: [red]x[/red]"
HOSTILE = "a\x1b[2J\x1b]0;title\x07b\x9b31mc\rd\u202ee\ud83df"


def test_brackets_in_words_are_shown_and_are_no_style(capsys: pytest.CaptureFixture[str]) -> None:
    output.console().print(output.styled("held", "yellow"), f"KEY: {WORDS}")
    output.table(f"About {WORDS}", ("reason",), [(WORDS,)])
    output.trouble().print(WORDS)

    said = capsys.readouterr()
    assert f"held KEY: {WORDS}" in said.out
    assert WORDS in said.err
    assert said.out.replace("\n", "").count("[/b1s]") == 3


def test_control_characters_in_words_do_not_reach_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    output.console().print(HOSTILE)
    output.console().print(output.styled(HOSTILE, "red"))
    output.table(HOSTILE, ("reason",), [(HOSTILE,)])
    output.emit({"reason": HOSTILE})

    said = capsys.readouterr().out
    assert not set(said) & set("\x1b\x07\x9b\r\u202e\ud83d")
    assert json.loads(said[said.index("{") :]) == {"reason": HOSTILE}


def test_an_error_sentence_does_nothing_to_the_terminal_either(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    with pytest.raises(SystemExit):
        main(["settlement", "inspect", str(tmp_path / "\x1b[2J\udcff.txt"), "--json"])

    said = capsys.readouterr()
    assert "\x1b" not in said.err + said.out
    assert json.loads(said.out)["error"]["code"] == WrongUse.code

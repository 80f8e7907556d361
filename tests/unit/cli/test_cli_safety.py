"""Words of an ERP, of Amazon or of a file reach the screen as they are, and do nothing to it."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from ml_connector.cli import output
from ml_connector.cli.main import defect_words, main
from ml_connector.domain.errors import WrongUse
from tests.support.installation import Installation
from tests.support.settlement_files import COLUMNS

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


SUMMARY = "1\t2026-10-01\t2026-10-15\t\t0.00\tUSD\n"


def in_a_shell(redirections: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """The command as a process of its own, its streams redirected as a shell does it."""
    return subprocess.run(
        ["/bin/sh", "-c", f'exec "$0" -m ml_connector "$@" {redirections}', sys.executable, *arguments],
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def settlement(tmp_path: Path) -> str:
    """A good file without a row."""
    file = tmp_path / "settlement.txt"
    file.write_text("\t".join(COLUMNS) + "\n" + SUMMARY)
    return str(file)


@pytest.mark.parametrize("form", [(), ("--json",)])
@pytest.mark.parametrize("redirections", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_a_stream_that_is_closed_is_done_without(settlement: str, redirections: str, form: tuple[str, ...]) -> None:
    said = in_a_shell(redirections, "settlement", "inspect", settlement, *form)
    assert (said.returncode, said.stderr) == (0, "")

    said = in_a_shell(redirections, "settlement", "inspect", f"{settlement}.gone", *form)
    assert said.returncode == 2 and "Traceback" not in said.stderr


@pytest.mark.parametrize("form", [(), ("--json",)])
@pytest.mark.parametrize("file", ["settlement.txt", "gone.txt"])
def test_an_answer_that_does_not_fit_on_the_disk_ends_in_one_sentence(
    settlement: str, file: str, form: tuple[str, ...]
) -> None:
    said = in_a_shell(">/dev/full", "settlement", "inspect", str(Path(settlement).with_name(file)), *form)

    assert said.returncode == 2
    assert said.stderr.count("\n") == 1
    assert said.stderr.startswith(("No space left on device.", "There is no file"))


def test_a_message_that_does_not_fit_on_the_disk_takes_nothing_from_the_answer(settlement: str) -> None:
    said = in_a_shell("2>/dev/full", "settlement", "inspect", f"{settlement}.gone", "--json")

    assert said.returncode == 2
    assert json.loads(said.stdout)["error"]["code"] == WrongUse.code


@pytest.mark.parametrize("columns", [20, 40, 80, 200])
def test_no_terminal_is_so_narrow_that_words_are_cut(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    rows = [
        ("facilitator_tax_wash", "Amazon.com", "1234.56", "what Amazon collected and paid"),
        ("payout", "Amazon.de", "0.10", ""),
    ]

    output.table("Lines", ("category", "store", "amount", "words"), rows, right=("amount",))

    said = capsys.readouterr().out
    assert {word for row in rows for cell in row for word in cell.split()} <= set(said.split())
    assert columns == 20 or all(len(line) <= columns for line in said.splitlines())
    assert ("category: payout" in said) == (columns < 80)


def test_a_defect_is_a_sentence_with_its_place_and_without_words_of_others() -> None:
    try:
        json.loads("canary-0ddba11")
    except ValueError as error:
        words = defect_words(error)
    assert words.startswith("This is a defect of ml-connector ")
    assert "(JSONDecodeError, decoder.py line " in words and "canary" not in words


@pytest.mark.parametrize(
    "arguments",
    [
        ("record", "show", "\udcff"),
        ("run", "\udcff"),
        ("connection", "show", "\udcff"),
        ("apply", "\udcff"),
    ],
)
def test_names_that_are_no_text_are_wrong_use(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    shop = Installation(tmp_path, USER="\udcff")
    shop.ok("init")
    shop.ok("connection", "add", "books", "--kind", "sap_business_one", "--set", "base_url=https://erp.example/b1s/v2",
            "--set", "company_db=C", "--set", "username=u", "--secrets-stdin", stdin='{"password": "x"}')  # fmt: skip
    assert "characters in it that are none" in shop.refused(2, *arguments)


def test_a_backup_into_a_name_that_is_no_text_leaves_nothing_behind(tmp_path: Path) -> None:
    shop = Installation(tmp_path)
    shop.ok("init")
    before = sorted(tmp_path.iterdir())
    assert "characters in it that are none" in shop.refused(2, "backup", str(tmp_path / "\udcff.db"))
    assert sorted(tmp_path.iterdir()) == before

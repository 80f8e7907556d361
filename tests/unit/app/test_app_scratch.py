"""Files lie in the data folder while they are read, and do not stay there."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from ml_connector.app.scratch import Scratch
from tests.support.installation import Installation


def test_what_a_killed_process_left_goes_with_the_next_start(tmp_path: Path) -> None:
    dies = (
        "import os, sys; from pathlib import Path; from ml_connector.app.scratch import Scratch\n"
        "made = Scratch.make(Path(sys.argv[1])); (made.folder / 'settlement').write_text('1'); os._exit(9)"
    )
    assert subprocess.run([sys.executable, "-c", dies, str(tmp_path)], check=False).returncode == 9
    assert len(list(tmp_path.glob("scratch-*/settlement"))) == 1

    made = Scratch.make(tmp_path)

    assert list(tmp_path.iterdir()) == [made.folder]


def test_a_process_that_lives_keeps_its_own(tmp_path: Path) -> None:
    one = Scratch.make(tmp_path)
    two = Scratch.make(tmp_path)
    assert sorted(tmp_path.iterdir()) == sorted([one.folder, two.folder])
    one.cleanup()
    assert list(tmp_path.iterdir()) == [two.folder]
    two.cleanup()
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_ends_leaves_nothing(tmp_path: Path) -> None:
    shop = Installation(tmp_path)
    shop.ok("init")
    shop.ok("record", "list")
    assert list(shop.data.glob("scratch-*")) == []

"""A console that shows words of others as they are: no markup, no emoji codes, no control characters in them."""

from __future__ import annotations

from typing import Any

from rich.console import Console
from rich.text import Text

from ml_connector.cli.output import shown


class Terminal(Console):
    """Words of an ERP or of Amazon reach the screen through this: ``[line: 3]`` is no style, and nothing moves the cursor.

    What is to have a style is given as a :class:`~rich.text.Text`.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)

    def print(self, *objects: Any, **options: Any) -> None:
        super().print(*(shown(each) if isinstance(each, str) else each for each in objects), **options)


def styled(words: str, style: str) -> Text:
    return Text(shown(words), style)

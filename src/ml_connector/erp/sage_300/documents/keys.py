"""Keys of ours in Sage's fields. Pure."""

from __future__ import annotations

import re
from typing import Any, Final

from ml_connector.domain.documents import Kind
from ml_connector.erp.sage_300.values import text

_KEY: Final = re.compile(rf"[A-Z2-7]{{4}}-(?:{'|'.join(Kind)})-[A-Z0-9-]+", re.ASCII)


def key_in(*values: Any) -> str:
    """The first of ``values`` that is a document key, "" where none is."""
    return next((found for found in map(text, values) if _KEY.fullmatch(found)), "")


def kind_in(key: str) -> Kind:
    """What kind of document a key of ours names."""
    return Kind(key.split("-", 2)[1])

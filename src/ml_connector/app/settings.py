"""Configuration: ``ml-connector.toml`` in the data folder; every key also as ``ML_CONNECTOR_<KEY>``, which wins.

Nothing in here is a secret, but the password that an address of PostgreSQL may hold.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ml_connector.domain.errors import WrongUse

FILE: Final = "ml-connector.toml"
PREFIX: Final = "ML_CONNECTOR_"
_BYTES_MAX: Final = 2**20


class Settings(BaseModel):
    """Every key of the configuration. ``database`` is a ``postgresql://`` address; empty: SQLite in the data folder.

    ``test_settle_s`` shortens how long a lost reply is waited for. It is for tests on the sandbox and is refused for any ERP
    that is not on this very machine.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    database: str = Field(default="", repr=False)
    log_level: Literal["debug", "info", "warning", "error"] = "warning"
    test_settle_s: float | None = Field(default=None, ge=0)


def load(data_folder: Path, environment: Mapping[str, str]) -> Settings:
    """Raises :class:`WrongUse` naming the key that is wrong."""
    values: dict[str, Any] = {}
    file = data_folder / FILE
    if file.exists():
        with file.open("rb") as stream:
            content = stream.read(_BYTES_MAX + 1)
        if len(content) > _BYTES_MAX:
            raise WrongUse(f"{file} has more than {_BYTES_MAX:,} bytes: check that it is the configuration.")
        try:
            values = tomllib.loads(content.decode("utf-8"))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise WrongUse(f"{file} is not TOML: {error}.") from error
    for key in Settings.model_fields:
        if (given := environment.get(PREFIX + key.upper())) is not None:
            values[key] = given
    try:
        return Settings(**values)
    except ValidationError as error:
        first = error.errors()[0]
        raise WrongUse(f"The configuration key {'.'.join(map(str, first['loc']))} is wrong: {first['msg']}.") from error

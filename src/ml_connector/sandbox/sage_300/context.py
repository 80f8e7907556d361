"""Everything one company has, as its rooms see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ml_connector.sandbox.sage_300.errors import field_invalid
from ml_connector.sandbox.sage_300.puts import Puts
from ml_connector.sandbox.sage_300.records import Records
from ml_connector.sandbox.sage_300.schema import Model, Resource, Row, Schema
from ml_connector.sandbox.switches import Switches

HOME_CURRENCY = "USD"


@dataclass(frozen=True, slots=True)
class Context:
    """``today()`` is the server's date as ISO text; ``user()`` who is asking, as ``EnteredBy`` keeps it."""

    schema: Schema
    records: Records
    puts: Puts
    switches: Switches
    today: Callable[[], str]
    user: Callable[[], str]

    def model(self, name: str) -> Model:
        """A model by its qualified name, ``AR.Invoice``."""
        return self.schema.models[name]

    def model_of(self, resource: Resource) -> Model:
        """The model of a resource that the company uses."""
        return self.schema.models[resource.model]

    def demand(self, resource: str, *key: str) -> Row:
        """A record that another one refers to. Raises 409 ``FieldInvalid`` where it does not exist."""
        found = self.records.get(resource, *key)
        if found is None:
            what = self.schema.model_of(resource).short_name
            raise field_invalid(f"{what} {' '.join(key)} does not exist.")
        return found

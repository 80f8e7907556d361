"""``ml-connector connection``: sign-ins of outside accounts."""

from __future__ import annotations

import json
import sys
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Annotated

import typer

from ml_connector.cli import output
from ml_connector.cli.session import Data, who, with_app
from ml_connector.domain.errors import WrongUse

if TYPE_CHECKING:
    from ml_connector.app import App
    from ml_connector.app.reports import ConnectionShown
    from ml_connector.domain.forms import Field, Form

commands = typer.Typer(no_args_is_help=True, help="Sign-ins: Amazon selling accounts and ERP companies.")

Name = Annotated[str, typer.Argument(help="The connection's name.")]


@commands.command("add")
def add(
    name: Annotated[str, typer.Argument(help="A name of your choice.")],
    kind: Annotated[str, typer.Option(help="amazon, or an ERP such as sap_business_one.")],
    settings: Annotated[list[str] | None, typer.Option("--set", help="field=value, once per field.")] = None,
    secrets_stdin: Annotated[
        bool, typer.Option("--secrets-stdin", help="Read the secret fields as one JSON object from standard input.")
    ] = False,
    data: Data = None,
    as_json: output.AsJson = False,
) -> None:
    """Add a connection, or change what is given of one. Secrets are never taken as arguments.

    Standard input may hold the whole sign-in, as sandbox serve --json prints it for one system.
    """
    given = dict(_pair(each) for each in settings or ())
    secrets = _secrets_from_stdin() if secrets_stdin else None

    async def save(app: App) -> ConnectionShown:
        form, known = app.connections.form(kind), await app.connections.secret_fields(name)
        return await app.connections.add(
            name, kind, given, _ask(form, given, known) if secrets is None else secrets, who()
        )

    shown = with_app(data, save)
    if as_json:
        output.emit(shown)
    else:
        output.console().print(f"Connection {name} is saved. Try it: ml-connector connection test {name}")


@commands.command("list")
def list_(data: Data = None, as_json: output.AsJson = False) -> None:
    """All connections; secrets are not shown."""
    found = with_app(data, lambda app: app.connections.all())
    if as_json:
        output.emit(found)
    elif found:
        output.table("", ("name", "kind", "address"), [(c.name, c.kind, c.settings.get("base_url", "")) for c in found])
    else:
        output.console().print("No connection yet. Add one: ml-connector connection add NAME --kind amazon ...")


@commands.command("show")
def show(name: Name, data: Data = None, as_json: output.AsJson = False) -> None:
    """One connection: its settings, and which secrets are set."""
    found = with_app(data, lambda app: app.connections.show(name))
    if as_json:
        output.emit(found)
    else:
        rows = [*found.settings.items(), *((field, "(set, encrypted)") for field in found.secret_fields)]
        output.table(f"{found.name} ({found.kind})", ("field", "value"), rows)


@commands.command("test")
def test(name: Name, data: Data = None, as_json: output.AsJson = False) -> None:
    """Sign in, read who answers and with which rights; say exactly what is wrong."""
    identity = with_app(data, lambda app: app.connections.test(name))
    if as_json:
        output.emit({"name": name, "ok": True, "identity": identity})
    else:
        rows = [("name", identity.name), ("version", identity.version), *identity.details]
        output.table(f"{name} answers", ("", ""), rows)


@commands.command("prepare")
def prepare(name: Name, data: Data = None, as_json: output.AsJson = False) -> None:
    """Create in the ERP what the strongest protection against double posting needs, where your user may."""
    words = with_app(data, lambda app: app.connections.prepare(name, who()))
    if as_json:
        output.emit({"name": name, "done": words})
    else:
        for sentence in words:
            output.console().print(sentence)


@commands.command("remove")
def remove(name: Name, data: Data = None, as_json: output.AsJson = False) -> None:
    """Forget a connection and its secrets. Refused while a link uses it."""
    with_app(data, lambda app: app.connections.remove(name, who()))
    if as_json:
        output.emit({"removed": name})
    else:
        output.console().print(f"Connection {name} and its secrets are gone.")


def _pair(text: str) -> tuple[str, str]:
    field, separator, value = text.partition("=")
    if not separator or not field:
        # Not repeated: it may be a secret in the wrong place.
        raise WrongUse("--set takes field=value, with an equals sign.")
    return field.strip(), value


def _secrets_from_stdin() -> dict[str, str]:
    try:
        given = json.loads(sys.stdin.read(65536))
    except (ValueError, RecursionError) as error:
        raise WrongUse("Standard input must hold one JSON object with the secret fields.") from error
    if not isinstance(given, dict) or not all(isinstance(value, (str, list)) for value in given.values()):
        raise WrongUse("Standard input must hold one JSON object whose members are texts or lists of texts.")
    return {key: ",".join(map(str, value)) if isinstance(value, list) else value for key, value in given.items()}


def _ask(form: Form, given: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
    """Prompt for each secret field, unseen, where somebody is there to answer. What is ``known`` may be left as it is."""
    wanted = [field for field in form.fields if field.secret and field.name not in given]
    if sys.stdin.isatty():
        return {field.name: _prompt(field, kept=field.name in known) for field in wanted}
    missing = [field.name for field in wanted if field.required and field.name not in known]
    if missing:
        raise WrongUse(f"Secrets are missing ({', '.join(missing)}): give them as JSON with --secrets-stdin.")
    return {}


def _prompt(field: Field, *, kept: bool) -> str:
    label = f"{field.label} (empty: as it is)" if kept else field.label
    answer: str = typer.prompt(label, hide_input=True, default="", show_default=False)
    return answer

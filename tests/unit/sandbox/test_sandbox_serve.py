"""The sandbox as others meet it: a process, a loopback port, one line of credentials, a clean end."""

import json
import signal
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from ml_connector.sandbox.serve import serve

#: The first question draws a whole trade, on a machine that may be busy.
PATIENT_S = 60.0
V2 = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
PROGRAM = """
import json, sys
from pathlib import Path
from ml_connector.sandbox.serve import serve

def ready(credentials):
    print(json.dumps(credentials), flush=True)

given = json.loads(sys.argv[1])
for name in ("state", "scenario", "fault_plan"):
    if name in given:
        given[name] = Path(given[name])
serve(ready=ready, **given)
print("ended", flush=True)
"""


@contextmanager
def sandbox(**given: object) -> Iterator[dict[str, Any]]:
    """A sandbox of its own; it must end by itself, in order, when it is asked to."""
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, json.dumps(given)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    try:
        yield json.loads(line)
    finally:
        process.send_signal(signal.SIGTERM)
        rest, trouble = process.communicate(timeout=PATIENT_S)
    assert (process.returncode, rest, trouble) == (0, "ended\n", "")


def access_token(client: httpx2.Client, amazon: dict[str, Any]) -> str:
    form = {name: amazon[name] for name in ("client_id", "client_secret", "refresh_token")}
    answer = client.post(amazon["token_url"], data={"grant_type": "refresh_token", **form})
    token: str = answer.json()["access_token"]
    return token


def listed(client: httpx2.Client, amazon: dict[str, Any]) -> httpx2.Response:
    token = access_token(client, amazon)
    return client.get(
        amazon["base_url"] + "/reports/2021-06-30/reports",
        params={"reportTypes": V2},
        headers={"x-amz-access-token": token},
    )


def test_a_served_world_names_every_system_and_goes_on_after_a_restart(tmp_path: Path) -> None:
    state = str(tmp_path / "state")
    with sandbox(state=state, speed=60) as told, httpx2.Client(timeout=PATIENT_S) as client:
        assert set(told) == {"amazon", "sap_business_one", "sage_300"}
        assert set(told["sap_business_one"]) == {"base_url", "company_db", "username", "password"}
        assert told["sap_business_one"]["base_url"].endswith("/b1s/v2")
        assert set(told["sage_300"]) == {"base_url", "company", "username", "password"}
        assert told["sage_300"]["base_url"].endswith("/sage_300/Sage300WebApi")
        amazon = told["amazon"]
        assert amazon["base_url"].startswith("http://127.0.0.1:")
        answer = listed(client, amazon)
        before = answer.json()["reports"]
        assert len(before) == 6
        assert answer.headers["x-amzn-ratelimit-limit"] == "1.332"  # 60 times 0.0222
        assert client.get(amazon["base_url"].replace("/amazon", "/nobody")).status_code == 404

    with sandbox(state=state) as told, httpx2.Client(timeout=PATIENT_S) as client:
        assert told["amazon"]["client_secret"] == amazon["client_secret"]
        assert listed(client, told["amazon"]).json()["reports"] == before


def test_over_tls_the_throw_away_authority_is_told() -> None:
    with sandbox(tls=True) as told:
        trusted = ssl.create_default_context(cadata=told["ca_pem"])
        trusted.verify_flags |= ssl.VERIFY_X509_STRICT
        assert told["amazon"]["base_url"].startswith("https://127.0.0.1:")
        with httpx2.Client(verify=trusted, timeout=PATIENT_S) as client:
            assert listed(client, told["amazon"]).status_code == 200
        with httpx2.Client(timeout=PATIENT_S) as stranger, pytest.raises(httpx2.ConnectError):
            listed(stranger, told["amazon"])


def test_a_lost_reply_breaks_a_real_connection_and_the_next_one_works(tmp_path: Path) -> None:
    plan = tmp_path / "faults.toml"
    plan.write_text('[[faults]]\nsystem = "amazon"\noperation = "getReports"\nfault = "lost_reply"\nnth = 1\n')
    with sandbox(fault_plan=str(plan)) as told, httpx2.Client(timeout=PATIENT_S) as client:
        with pytest.raises(httpx2.RemoteProtocolError):
            listed(client, told["amazon"])
        assert listed(client, told["amazon"]).status_code == 200


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("scenario", "[amazon]\nstores = ['XX']\n"),
        ("scenario", "[oracle]\n"),
        ("scenario", "seed = 'one'\n"),
        ("scenario", "this is no TOML"),
        ("fault_plan", "[[faults]]\nfault = 'earthquake'\n"),
        ("state", "this is no database, although it is long enough to look like one at first sight ......... "),
    ],
)
def test_files_that_are_not_understood_stop_it_before_it_begins(tmp_path: Path, name: str, text: str) -> None:
    file = tmp_path / "given"
    file.write_text(text)
    with pytest.raises(ValueError, match=r"."):
        serve(**{name: file}, ready=lambda _: pytest.fail("it began"))  # type: ignore[arg-type]  # one of three names

"""`jwo payments` and `jwo receipts` in a store directory: JSON objects, exit codes, sentences."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess

import httpx
import pytest

from jwo_cli.journal import Intake
from jwo_cli.layouts.template import write_template
from jwo_cli.model.codec import encode, kind_of
from jwo_cli.model.decisions import ReceiptIssued
from jwo_cli.model.entering import AccountErased, AccountOpened, PaymentMethodSet, Role
from jwo_cli.model.entry import NewEntry
from jwo_cli.model.paying import (
    UNCHARGED_SOURCE,
    PaymentAnswered,
    PaymentDue,
    PaymentOutcome,
    PaymentPurpose,
    payment_due,
)
from jwo_cli.payments.fake.server import TEST_KEY
from jwo_cli.payments.wire import Request, Response, Server, json_response
from tests import forked
from tests.shop.test_receipts_text import bought, reviewed, sure

Run = Callable[..., "CompletedProcess[str]"]
RECEIPT = bought(sure("bread"), sure("cola"))
SETTINGS = """\
layout = "store.toml"
journal = "journal"
[mark]
file = "marks/kiosk.json"
key = "env:FAKE_KEY"
[entry]
key = "env:FAKE_KEY"
[seller]
name = "K & Co"
tax_number = "DE1"
[payments]
provider = "fake"
key = "env:FAKE_KEY"
url = "{url}"
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """A fake provider as people start it."""
    command = [sys.executable, "-m", "jwo_cli", "payments", "fake", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"http://\S+?(?=;)", process.stderr.readline())
        assert found is not None
        yield found.group()
        process.terminate()


@pytest.fixture
def shop(tmp_path: Path, url: str) -> Path:
    """A store directory whose [payments] name it, with one receipt and what is due for it."""
    place = tmp_path / "shop"
    place.mkdir()
    write_template("corner_kiosk", place, store_id="corner-kiosk", name="Corner Kiosk")
    (place / "jwo.toml").write_text(SETTINGS.format(url=url))
    return place


@pytest.fixture
def run(shop: Path) -> Run:
    """`jwo ARGS…` in the store directory."""

    def call(*args: str) -> CompletedProcess[str]:
        return forked.run(args, cwd=shop, env={"FAKE_KEY": TEST_KEY})

    return call


def keep(shop: Path, *values: object, source: str = "run/x") -> None:
    with Intake.open(shop / "journal", store_id="corner-kiosk") as intake:
        intake.append(
            [
                NewEntry(
                    key=f"{kind_of(type(value))}/{n}",
                    at_ns=time.time_ns(),
                    source=source,
                    kind=kind_of(type(value)),
                    payload=encode(value),
                )
                for n, value in enumerate(values, intake.head()[0])
            ]
        )


def opened(account: str) -> AccountOpened:
    return AccountOpened(at_ns=1, account=account, role=Role.SHOPPER, commitment="")


def owing(
    shop: Path, run: Run, account: str, *, card: str, receipt: ReceiptIssued = RECEIPT, source: str = "run/x"
) -> PaymentDue:
    """Somebody with a card who just bought what the receipt says; what is due for it."""
    keep(shop, opened(account))
    made = json.loads(run("payments", "enrol", account, "--method", card, "--json").stdout)
    method = PaymentMethodSet(
        at_ns=1, account=account, provider="fake", customer_ref=made["customer"], method_ref=made["method"]
    )
    owed = payment_due(
        at_ns=time.time_ns(),
        purpose=PaymentPurpose.CHARGE,
        visit_id=receipt.visit_id,
        receipt_id=receipt.receipt_id,
        account=account,
        amount_minor=receipt.charged_minor,
        currency="EUR",
    )
    keep(shop, method, receipt, owed, source=source)
    return owed


def test_a_day_with_the_fake_provider(shop: Path, run: Run) -> None:
    """Enrol, look, rehearse, carry, reconcile, show: what a newcomer does, in order."""
    due = owing(shop, run, "ann", card="pm_card_visa")
    assert json.loads(run("payments", "status", "--json").stdout)["open"] == 1
    rehearsed = run("payments", "retry", "--dry-run", "--json")
    assert json.loads(rehearsed.stdout) == {"dry_run": True, "carried": {due.key: "open"}, "answered": True}
    assert json.loads(run("payments", "list", "--json").stdout)[0]["state"] == "open"
    carried = run("payments", "retry", "--json")
    assert carried.returncode == 0
    assert json.loads(carried.stdout) == {"dry_run": False, "carried": {due.key: "done"}, "answered": True}
    assert run("payments", "list", "--open").stderr == "nothing is open\n"
    (row,) = json.loads(run("payments", "list", "--json").stdout)
    assert (row["state"], row["amount_minor"]) == ("done", RECEIPT.charged_minor)
    compared = run("payments", "reconcile", "--json")
    found = json.loads(compared.stdout)
    assert (compared.returncode, found["agrees"]) == (0, True)
    assert found["totals"] == [
        {"currency": "EUR", "ledger_minor": RECEIPT.charged_minor, "provider_minor": RECEIPT.charged_minor}
    ]
    document = json.loads(run("receipts", "show", RECEIPT.receipt_id, "--json").stdout)
    assert (document["open_minor"], document["seller"]["tax_number"]) == (0, "DE1")
    assert document["payments"][0]["reference"] == row["reference"]
    assert row["reference"] in run("receipts", "show", RECEIPT.receipt_id).stdout
    assert "K &amp; Co" in run("receipts", "show", RECEIPT.receipt_id, "--form", "html").stdout


def test_a_dispute_is_shown_until_it_is_decided(shop: Path, run: Run, url: str) -> None:
    """Stripe's test card opens one: found without a webhook, told with what to do, in the books, on the receipt."""
    owing(shop, run, "dan", card="pm_card_createDispute")

    def disputed() -> list[str]:  # what else differs is the other tests' at the same provider
        found = json.loads(run("payments", "reconcile", "--json").stdout)["differences"]
        return [item["reference"] for item in found if item["reference"].startswith("du_")]

    assert run("payments", "retry").returncode == 0
    assert len(disputed()) == 1
    unheard = run("payments", "reconcile")
    assert (unheard.returncode, "jwo payments retry" in unheard.stderr) == (1, True)
    run("payments", "retry")
    told = run("payments", "status")
    assert (told.returncode, "answer it at the provider" in told.stderr) == (1, True)
    assert "chargeback" in run("receipts", "show", RECEIPT.receipt_id).stdout.lower()
    assert not disputed()
    (row,) = [row for row in json.loads(run("payments", "list", "--json").stdout) if row["purpose"] == "dispute"]
    assert (row["state"], row["taken_minor"], row["code"]) == ("open", RECEIPT.charged_minor, "fraudulent")
    won = {"evidence[uncategorized_text]": "winning_evidence"}
    httpx.post(f"{url}/v1/disputes/{row['reference']}", data=won, headers={"Authorization": f"Bearer {TEST_KEY}"})
    run("payments", "retry")
    state = json.loads(run("payments", "status", "--json").stdout)
    assert [(row["state"], row["taken_minor"], row["fee_minor"]) for row in state["disputes"]] == [("won", 0, 0)]
    assert not disputed()


def test_a_key_that_may_not_ask_for_disputes_carries_what_is_due(shop: Path, run: Run, url: str) -> None:
    """It is told, and exit code 1; the money moves all the same."""
    due = owing(shop, run, "ann", card="pm_card_visa")

    async def restricted(request: Request) -> Response:
        if request.path == "/v1/disputes":
            return json_response(403, {"error": {"message": "this key may not read disputes"}})
        headers = {name: request.headers[name] for name in request.headers if name not in ("host", "content-length")}
        async with httpx.AsyncClient(base_url=url) as client:
            where = httpx.URL(request.path, query=request.query.encode())
            reply = await client.request(request.method, where, headers=headers, content=request.body)
        return Response(status=reply.status_code, body=reply.content)

    async def act() -> CompletedProcess[str]:
        async with Server(restricted) as server:
            (shop / "jwo.toml").write_text(SETTINGS.format(url=server.url))
            return await asyncio.to_thread(run, "payments", "retry", "--json")

    carried = asyncio.run(act())
    assert (carried.returncode, json.loads(carried.stdout)["carried"]) == (1, {due.key: "done"})
    assert "does not tell of disputes: GET /v1/disputes: HTTP 403" in carried.stderr


def test_what_is_due_from_a_run_without_payments_is_asked_about(shop: Path, run: Run) -> None:
    """A minute ago, in a store that charged before: whoever shopped meanwhile was told that nothing is charged."""
    owing(shop, run, "ann", card="pm_card_visa")
    assert run("payments", "retry").returncode == 0
    later = replace(RECEIPT, receipt_id="r-later")
    due = owing(shop, run, "eve", card="pm_card_visa", receipt=later, source=f"{UNCHARGED_SOURCE}x")
    refused = run("payments", "retry")
    assert (refused.returncode, "1 are due from runs without" in refused.stderr) == (2, True)
    assert json.loads(run("payments", "list", "--open", "--json").stdout)[0]["state"] == "open"
    carried = run("payments", "retry", "--charge-earlier", "--json")
    assert json.loads(carried.stdout)["carried"] == {due.key: "done"}
    assert run("payments", "retry").returncode == 0


def test_what_differs_is_exit_code_one(shop: Path, run: Run) -> None:
    """Money in the books that the provider never saw: named, with its receipt."""
    answer = PaymentAnswered(
        at_ns=time.time_ns(),
        key="jwo-x",
        purpose=PaymentPurpose.CHARGE,
        receipt_id=RECEIPT.receipt_id,
        account="ann",
        amount_minor=360,
        currency="EUR",
        outcome=PaymentOutcome.DONE,
        provider="fake",
        reference="pi_made_up",
    )
    keep(shop, RECEIPT, answer)
    found = run("payments", "reconcile", "--ours-only", "--json")
    assert found.returncode == 1
    named = {item["reference"]: item["kind"] for item in json.loads(found.stdout)["differences"]}
    assert named["pi_made_up"] == "ours_without_theirs"


def test_receipts_are_written_in_every_form(shop: Path, run: Run) -> None:
    """A file each; one EPCIS document; a GLN has to be one."""
    keep(shop, RECEIPT)
    for form in ("text", "html", "json"):
        done = run("receipts", "export", f"out-{form}", "--form", form, "--json")
        assert json.loads(done.stdout) == {"place": f"out-{form}", "form": form, "receipts": 1}
    assert sorted(file.suffix for file in shop.glob("out-*/*")) == [".html", ".json", ".txt"]
    assert run("receipts", "export", "e.json", "--form", "epcis", "--gln", "4012345000009").returncode == 0
    events = json.loads((shop / "e.json").read_text())["epcisBody"]["eventList"]
    assert [event["bizStep"] for event in events] == ["retail_selling"]
    assert events[0]["bizLocation"]["id"] == "https://id.gs1.org/414/4012345000009"
    assert run("receipts", "export", "e.json", "--form", "epcis", "--gln", "123").returncode == 2


def test_a_correction_is_shown_with_the_receipt_that_it_corrects(shop: Path, run: Run) -> None:
    """The journal's entries give both their numbers."""
    keep(shop, RECEIPT, reviewed(RECEIPT, ("bread", 1)))
    shown = json.loads(run("receipts", "show", RECEIPT.receipt_id, "--json").stdout)
    assert (shown["kind"], shown["number"], shown["corrects"]) == ("correction", "corner-kiosk-2", "corner-kiosk-1")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("payments", "retry", "r-none"), "no payment was due"),
        (("receipts", "show", "r-none"), "no receipt"),
        (("receipts", "send"), "no webhook for receipts is named"),
        (("payments", "enrol", "ann", "--method", "pm_none"), "No such PaymentMethod"),
        (("payments", "enrol", "ann", "--method", "../customers?x y"), "No such PaymentMethod"),
        (("payments", "enrol", "bob"), "there is no account 'bob'"),
        (("payments", "enrol", ""), "there is no account ''"),
        (("payments", "fake", "--port", "0", "--state", "."), "the state cannot be kept in . (Is a directory)"),
        (("payments", "fake", "--port", "0", "--state", "store.toml"), "the state cannot be kept in store.toml"),
        (("payments", "fake", "--fault", "flood=1"), "is no fault"),
        (("payments", "fake", "--webhook", "http://127.0.0.1:1/"), "no key was named"),
    ],
)
def test_what_cannot_be_done_is_a_sentence(shop: Path, run: Run, args: tuple[str, ...], words: str) -> None:
    """Exit code 2, what is wrong, what to do; never a traceback."""
    keep(shop, RECEIPT, opened("ann"))
    done = run(*args)
    assert done.returncode == 2
    assert words in done.stderr
    assert "Traceback" not in done.stderr
    assert done.stdout == ""


def test_an_account_stays_the_customer_that_it_is(shop: Path, run: Run) -> None:
    """Enrolled twice, before and after its card is known: one customer; an erased account is none."""
    keep(shop, opened("cleo"), opened("gone"), AccountErased(at_ns=2, account="gone"))
    first = json.loads(run("payments", "enrol", "cleo", "--json").stdout)
    again = json.loads(run("payments", "enrol", "cleo", "--method", "pm_card_visa", "--json").stdout)
    assert "link" in first
    assert again["customer"] == first["customer"]
    assert "was erased" in run("payments", "enrol", "gone").stderr


@pytest.mark.parametrize("asked", [(), ("--method", "pm_card_visa")])
def test_a_customer_that_the_provider_does_not_know_is_made_anew(shop: Path, run: Run, asked: tuple[str, ...]) -> None:
    """A mistyped reference is told, and stands in nobody's way."""
    typo = PaymentMethodSet(at_ns=1, account="dina", provider="fake", customer_ref="cus_1", method_ref="pm_1")
    keep(shop, opened("dina"), typo)
    done = run("payments", "enrol", "dina", *asked)
    assert done.returncode == 0
    customer = done.stdout.split()[1]
    assert f"The provider knows no customer cus_1: {customer} takes its place." in done.stderr
    assert f"--customer {customer} " in done.stderr


def test_without_a_provider_nothing_is_called(shop: Path, run: Run) -> None:
    """A store without [payments] can list, and is told what to add to do more."""
    text = (shop / "jwo.toml").read_text()
    (shop / "jwo.toml").write_text(text.partition("[payments]")[0])
    keep(shop, RECEIPT)
    assert run("payments", "list", "--json").stdout.strip() == "[]"
    done = run("payments", "reconcile")
    assert done.returncode == 2
    assert "Add [payments] to jwo.toml" in done.stderr


def test_a_provider_that_is_away_is_named_with_its_address(shop: Path, run: Run) -> None:
    """Exit code 3: it is nobody's mistake. What to do is what starts it; no library speaks."""
    settings = (shop / "jwo.toml").read_text()
    (shop / "jwo.toml").write_text(re.sub(r'url = ".*"', 'url = "http://127.0.0.1:9"', settings))
    keep(shop, RECEIPT, opened("ann"))
    for command in (("reconcile",), ("enrol", "ann")):
        done = run("payments", *command)
        assert (done.returncode, done.stdout) == (3, "")
        assert "http://127.0.0.1:9 cannot be reached. Start it with `jwo payments fake`" in done.stderr


def test_who_is_erased_is_deleted_at_the_provider(shop: Path, run: Run) -> None:
    """The chain's reference leads to nobody. While the provider is away that is said, and done when said again."""
    account = run("account", "new").stdout.strip()
    made = json.loads(run("payments", "enrol", account, "--method", "pm_card_visa", "--json").stdout)
    wallet = ("--provider", "fake", "--customer", made["customer"], "--method", made["method"])
    assert run("account", "payment", account, *wallet).returncode == 0
    settings = (shop / "jwo.toml").read_text()
    (shop / "jwo.toml").write_text(re.sub(r'url = ".*"', 'url = "http://127.0.0.1:9"', settings))
    away = run("account", "erase", account, "--yes")
    assert (away.returncode, "again" in away.stderr) == (1, True)
    (shop / "jwo.toml").write_text(settings)
    assert run("account", "erase", account, "--yes").returncode == 0
    assert run("account", "erase", account, "--yes").returncode == 0
    url = settings.partition('url = "')[2].partition('"')[0]
    headers = {"Authorization": f"Bearer {TEST_KEY}"}
    methods = httpx.get(f"{url}/v1/customers/{made['customer']}/payment_methods", headers=headers).json()
    assert methods["data"] == []
    gone = httpx.delete(f"{url}/v1/customers/{made['customer']}", headers=headers)
    assert gone.status_code == 404

"""Journal entries through the simulated Web API, which was written from the same facts by somebody else."""

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from typing import Any, TypeVar

import pytest

from ml_connector.domain.documents import Kind, State
from ml_connector.domain.target import (
    Absent,
    Accepted,
    Ended,
    Found,
    Many,
    Partial,
    Present,
    ReliabilityClass,
    Seen,
    Unclear,
    Working,
    reliability_class,
)
from ml_connector.posting.decide import Decision, Done, Hold, Rules, Wait
from tests.support.entries import entry, line
from tests.support.sage_company import DAY, Scene, journal, play

T = TypeVar("T")


def gl(scene: Scene) -> list[dict[str, Any]]:
    return scene.control.batches("GL")


# --- from nothing to posted --------------------------------------------------------------------------------------------


def test_an_entry_is_entered_marked_ready_and_posted_by_its_own_number_only() -> None:
    async def act(scene: Scene) -> tuple[list[Seen], list[dict[str, Any]]]:
        seen = [await scene.seen(journal())]
        for step in ("enter", "ready", "post"):
            assert isinstance(await scene.do(journal(), seen[-1], step), Accepted)
            seen.append(await scene.seen(journal()))
        return seen, gl(scene)

    (absent, entered, ready, posted), batches = play(act)

    assert isinstance(absent, Absent)
    assert isinstance(entered, Partial)
    assert entered.next == "ready"
    assert isinstance(ready, Partial)
    assert ready.next == "post"
    assert isinstance(posted, Present)
    assert posted.ids == (("BatchNumber", "000003"), ("EntryNumber", "00001"))
    (batch,) = [each for each in batches if each["BatchNumber"] == "000003"]
    assert (batch["Description"], batch["Status"]) == ("ABCD-JE-90000000011-2026P10", "Posted")
    (header,) = batch["JournalHeaders"]
    assert [(each["AccountNumber"], each["Amount"]) for each in header["JournalDetails"]] == [
        ("4010", Decimal("-309.92")),
        ("6105", Decimal("48.38")),
        ("1151", Decimal("175.75")),
        ("1150", Decimal("85.79")),
    ]


@pytest.mark.parametrize("currency", ["USD", "EUR", "JPY"])
def test_what_is_posted_is_shown_as_it_was_projected(currency: str) -> None:
    if currency == "JPY":
        lines = (line("product_sales", "4010", credit="30992"), line("payout", "1150", debit="30992"))
        wanted = entry(currency="JPY", lines=lines, day=DAY)
    else:
        wanted = journal(currency=currency)

    async def act(scene: Scene) -> tuple[Decision, Seen, object]:
        return await scene.post(wanted), await scene.seen(wanted), scene.target.project(wanted, {})

    decision, seen, projected = play(act)

    assert isinstance(decision, Done)
    assert seen == Present(decision.ids, projected)  # type: ignore[arg-type]


def test_what_converting_line_by_line_leaves_over_goes_onto_the_largest_line_before_anything_counts() -> None:
    # given: 309.92, 48.38, 175.75 and 85.79 EUR at 1.0834 are 335.77, 52.41, 190.41 and 92.94 USD: one cent short
    async def act(scene: Scene) -> tuple[Seen, Decision, dict[str, Any]]:
        await scene.do(journal(currency="EUR"), Absent(""), "enter")
        before = await scene.seen(journal(currency="EUR"))
        decision = await scene.post(journal(currency="EUR"))
        return before, decision, gl(scene)[-1]

    before, decision, batch = play(act)

    assert isinstance(before, Partial)
    assert before.next == "balance"
    assert isinstance(decision, Done)
    details = batch["JournalHeaders"][0]["JournalDetails"]
    assert sum(each["Amount"] for each in details) == 0
    assert [each["SourceCurrencyAmount"] for each in details] == [
        Decimal("-309.92"),
        Decimal("48.38"),
        Decimal("175.75"),
        Decimal("85.79"),
    ]


def test_with_the_goal_entered_the_batch_stays_open_and_its_class_is_window() -> None:
    async def act(scene: Scene) -> tuple[Decision, str, str]:
        decision = await scene.post(journal(), Rules(goal=State.ENTERED))
        steps = scene.steps(journal())
        assert reliability_class(steps) is ReliabilityClass.TWO_ACTS
        return decision, str(gl(scene)[-1]["Status"]), reliability_class(steps, State.ENTERED).value

    decision, status, class_ = play(act)

    assert isinstance(decision, Done)
    assert decision.state is State.ENTERED
    assert (status, class_) == ("Open", "window")


def _left_ready(act: Callable[[Scene], Awaitable[T]], **switches: object) -> T:
    return play(act, settings={"entered_batches": "ready"}, switches=switches)


@pytest.mark.parametrize("property_", ["ReadyToPost", "Status", "both"])
def test_where_entered_batches_are_left_ready_a_person_posts_them_and_that_is_seen(property_: str) -> None:
    async def act(scene: Scene) -> tuple[Decision, str, Decision, str]:
        rules = Rules(goal=State.ENTERED)
        left, status = await scene.post(journal(), rules), str(gl(scene)[-1]["Status"])
        again = await scene.post(journal(), rules)
        assert again == left
        scene.control.post_batch("GL", 3)
        return left, status, await scene.post(journal(), rules), str(gl(scene)[-1]["Status"])

    left, status, found, ends = _left_ready(act, gl_ready_by=property_)

    assert isinstance(left, Done)
    assert (left.state, status) == (State.ENTERED, "ReadyToPost")
    assert isinstance(found, Done)
    assert (found.state, ends) == (State.POSTED, "Posted")


def test_a_batch_that_was_left_ready_and_that_a_person_opened_again_is_left_open() -> None:
    async def act(scene: Scene) -> tuple[Decision, str]:
        await scene.post(journal(), Rules(goal=State.ENTERED))
        scene.control.mark_batch("GL", 3, "Open")
        scene.clock.advance(86_400)
        return await scene.post(journal(), Rules(goal=State.ENTERED)), str(gl(scene)[-1]["Status"])

    decision, status = _left_ready(act)

    assert isinstance(decision, Done)
    assert (decision.state, status) == (State.ENTERED, "Open")


def test_what_is_to_be_posted_is_posted_also_where_entered_batches_are_left_ready() -> None:
    async def act(scene: Scene) -> tuple[Decision, str]:
        return await scene.post(journal()), str(gl(scene)[-1]["Status"])

    decision, status = _left_ready(act)

    assert isinstance(decision, Done)
    assert (decision.state, status) == (State.POSTED, "Posted")


@pytest.mark.parametrize("property_", ["ReadyToPost", "Status", "both"])
def test_whichever_property_marks_a_batch_ready_is_found_out_by_reading_back(property_: str) -> None:
    decision = play(lambda scene: scene.post(journal()), switches={"gl_ready_by": property_})

    assert isinstance(decision, Done)


def test_nobody_elses_ready_batch_is_posted_along() -> None:
    async def act(scene: Scene) -> list[str]:
        lines = [{"AccountNumber": "6105", "Amount": 1}, {"AccountNumber": "1150", "Amount": -1}]
        header = {"SourceLedger": "GL", "SourceType": "JE", "DocumentDate": "2026-10-26", "JournalDetails": lines}
        number = scene.control.plant_batch("GL", {"Description": "theirs", "JournalHeaders": [header]})
        scene.control.mark_batch("GL", str(number))
        await scene.post(journal())
        return [str(each["Status"]) for each in gl(scene)[-2:]]

    assert play(act) == ["ReadyToPost", "Posted"]


# --- after a crash or a lost reply -------------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", ["GLJournalBatches.POST", "GLJournalBatches.PATCH", "GLPostJournal.$process"])
@pytest.mark.parametrize("kind", ["lost_reply", "reset", "error_after_commit"])
def test_a_batch_that_a_lost_answer_left_behind_is_finished_and_not_repeated(operation: str, kind: str) -> None:
    async def act(scene: Scene) -> tuple[Decision, int]:
        before = len(gl(scene))
        return await scene.post(journal()), len(gl(scene)) - before

    decision, batches = play(act, faults=[{"operation": operation, "fault": kind, "nth": 1}])

    assert isinstance(decision, Done)
    assert batches == 1


def test_a_batch_is_found_by_its_description_where_our_store_knows_nothing() -> None:
    async def act(scene: Scene) -> tuple[Seen, Seen]:
        await scene.do(journal(), Absent(""), "enter")
        scene.trails.clear()
        scene.ids.clear()
        entered = await scene.seen(journal())
        await scene.post(journal())
        scene.trails.clear()
        scene.ids.clear()
        return entered, await scene.seen(journal())

    entered, posted = play(act)

    assert isinstance(entered, Partial)
    assert isinstance(posted, Present)


def test_a_batch_whose_description_a_person_changed_is_found_by_its_number() -> None:
    async def act(scene: Scene) -> Decision:
        await scene.do(journal(), Absent(""), "enter")
        scene.control.describe_batch("GL", 3, "Amazon October, checked")
        return await scene.post(journal())

    assert isinstance(play(act), Done)


def test_a_posted_batch_that_was_cleared_is_known_by_what_it_posted() -> None:
    async def act(scene: Scene) -> tuple[Seen, object]:
        await scene.post(journal())
        scene.control.purge_batch(3)
        scene.trails.clear()
        scene.ids.clear()
        return await scene.seen(journal()), scene.target.project(journal(), {})

    seen, projected = play(act)

    assert seen == Present((("BatchNumber", "000003"), ("EntryNumber", "00001")), projected)  # type: ignore[arg-type]


def test_two_batches_of_one_document_are_both_named() -> None:
    async def act(scene: Scene) -> Seen:
        await scene.do(journal(), Absent(""), "enter")
        await scene.do(journal(), Absent(""), "enter")
        return await scene.seen(journal())

    seen = play(act)

    assert isinstance(seen, Many)
    assert [dict(each.ids)["BatchNumber"] for each in seen.found] == ["000003", "000004"]


# --- what people do ----------------------------------------------------------------------------------------------------


def _copied(scene: Scene, description: str, sign: int = 1) -> str:
    """A person posts our batch once more, with the key in its lines, or with ``sign`` -1 the opposite. The number of the batch."""
    entry: Any = gl(scene)[-1]["JournalHeaders"]
    names = ("AccountNumber", "Description", "Reference")
    lines = [
        {name: line[name] for name in names} | dict.fromkeys(("Amount", "SourceCurrencyAmount"), sign * line["Amount"])
        for line in entry[0]["JournalDetails"]
    ]
    header = {"SourceLedger": "GL", "SourceType": "JE", "DocumentDate": DAY.isoformat(), "JournalDetails": lines}
    number = str(scene.control.plant_batch("GL", {"Description": description, "JournalHeaders": [header]}))
    scene.control.post_batch("GL", number)
    return number


@pytest.mark.parametrize("description", ["ABCD-JE-90000000011-2026P10", "OCTOBER"])
def test_two_entries_that_count_under_our_key_are_held_and_both_named(description: str) -> None:
    async def act(scene: Scene) -> tuple[str, Decision]:
        await scene.post(journal())
        return _copied(scene, description), await scene.post(journal())

    copied, decision = play(act)

    assert isinstance(decision, Hold)
    assert decision.code == "many"
    assert "BatchNumber 000003" in decision.words
    assert f"BatchNumber {copied}" in decision.words


def test_what_a_person_posted_with_our_key_under_another_description_is_not_posted_again() -> None:
    async def act(scene: Scene) -> tuple[Decision, str]:
        await scene.do(journal(), Absent(""), "enter")
        copied = _copied(scene, "OCTOBER")
        decision = await scene.post(journal())
        assert isinstance(decision, Done)
        assert dict(decision.ids)["BatchNumber"] == copied
        return decision, str(gl(scene)[-2]["Status"])

    _, ours = play(act)

    assert ours == "Open"


def test_a_posted_batch_that_a_person_took_back_under_another_description_is_ended() -> None:
    async def act(scene: Scene) -> tuple[str, Seen]:
        await scene.post(journal())
        return _copied(scene, "OCTOBER, BACK", sign=-1), await scene.seen(journal())

    reversal, seen = play(act)

    assert isinstance(seen, Ended)
    assert reversal in seen.how


def test_a_batch_that_a_person_deleted_is_ended_until_a_person_asks_again() -> None:
    async def act(scene: Scene) -> Seen:
        await scene.do(journal(), Absent(""), "enter")
        scene.control.delete_batch("GL", 3)
        return await scene.seen(journal())

    seen = play(act)

    assert isinstance(seen, Ended)
    assert "deleted" in seen.how


def test_a_posted_batch_that_a_person_reversed_is_ended() -> None:
    async def act(scene: Scene) -> Seen:
        await scene.post(journal())
        scene.control.reverse_batch(3)
        return await scene.seen(journal())

    assert isinstance(play(act), Ended)


def test_an_amount_that_a_person_changed_holds_the_document_before_it_counts() -> None:
    async def act(scene: Scene) -> tuple[Decision, str]:
        await scene.do(journal(), Absent(""), "enter")
        scene.control.edit_batch("GL", 3)
        return await scene.post(journal()), str(gl(scene)[-1]["Status"])

    decision, status = play(act)

    # An entry out of balance waits for a person, who mends or deletes it.
    assert isinstance(decision, Wait)
    assert "out of balance by 0.01" in decision.words
    assert status == "Open"


def test_a_batch_that_somebody_has_open_on_a_screen_is_tried_again_later() -> None:
    async def act(scene: Scene) -> tuple[str, Decision]:
        await scene.do(journal(), Absent(""), "enter")
        scene.control.lock_batch("GL", 3)
        receipt = await scene.do(journal(), await scene.seen(journal()), "ready")
        scene.control.lock_batch("GL", 3, locked=False)
        return type(receipt).__name__, await scene.post(journal())

    receipt, decision = play(act)

    assert receipt == "NotSent"
    assert isinstance(decision, Done)


def test_a_company_that_wants_batches_printed_first_is_heard_and_the_batch_is_finished_afterwards() -> None:
    async def act(scene: Scene) -> tuple[Decision, Decision]:
        refused = await scene.post(journal())
        scene.control.print_batch("GL", 3)
        return refused, await scene.post(journal())

    refused, decision = play(act, switches={"print_before_posting": True})

    assert isinstance(refused, Hold)
    assert "printed" in refused.words
    assert isinstance(decision, Done)


def test_a_batch_that_a_person_marked_ready_is_not_posted_where_the_goal_is_entered() -> None:
    async def act(scene: Scene) -> tuple[Decision, str]:
        await scene.do(journal(), Absent(""), "enter")
        scene.control.mark_batch("GL", 3)
        decision = await scene.post(journal(), Rules(goal=State.ENTERED))
        return decision, str(gl(scene)[-1]["Status"])

    decision, status = play(act)

    assert isinstance(decision, Done)
    assert (decision.state, status) == (State.ENTERED, "ReadyToPost")


def test_posting_that_takes_a_while_is_waited_for() -> None:
    async def act(scene: Scene) -> tuple[Seen, Decision]:
        seen: Seen = Absent("")
        for step in ("enter", "ready", "post"):
            await scene.do(journal(), seen, step)
            seen = await scene.seen(journal())
        return seen, await scene.post(journal())

    seen, decision = play(act, switches={"posting_s": 40})

    assert isinstance(seen, Working)
    assert not seen.by_person
    assert isinstance(decision, Done)


def test_an_entry_that_posting_refused_waits_for_a_person_who_is_told_both_batches() -> None:
    async def act(scene: Scene) -> tuple[Seen, Seen]:
        await scene.do(journal(), Absent(""), "enter")
        await scene.do(journal(), await scene.seen(journal()), "ready")
        scene.control.inactivate_account("6105")
        await scene.do(journal(), await scene.seen(journal()), "post")
        failed = await scene.seen(journal())
        scene.control.inactivate_account("6105", active=True)
        scene.control.post_batch("GL", 4)
        return failed, await scene.seen(journal())

    failed, mended = play(act)

    assert isinstance(failed, Working)
    assert failed.by_person
    assert "000003" in failed.why
    assert "000004" in failed.why
    assert isinstance(mended, Present)
    assert dict(mended.ids)["BatchNumber"] == "000004"


def test_an_error_batch_is_followed_by_its_number_whatever_a_person_calls_it() -> None:
    async def act(scene: Scene) -> Seen:
        for step in ("enter", "ready"):
            await scene.do(journal(), await scene.seen(journal()), step)
        scene.control.inactivate_account("6105")
        await scene.do(journal(), await scene.seen(journal()), "post")
        await scene.post(journal())
        scene.control.inactivate_account("6105", active=True)
        scene.control.describe_batch("GL", 4, "mended by hand")
        scene.control.post_batch("GL", 4)
        return await scene.seen(journal())

    seen = play(act)

    assert isinstance(seen, Present)
    assert dict(seen.ids)["BatchNumber"] == "000004"


def test_what_a_person_typed_and_took_back_again_stands_for_nothing() -> None:
    async def act(scene: Scene) -> Seen:
        lines = [{"AccountNumber": "4010", "Amount": -1}, {"AccountNumber": "1150", "Amount": 1}]
        header = {"SourceLedger": "GL", "SourceType": "JE", "DocumentDate": "2026-10-26", "JournalDetails": lines}
        number = scene.control.plant_batch("GL", {"Description": "90000000011", "JournalHeaders": [header]})
        scene.control.post_batch("GL", str(number))
        scene.control.reverse_batch(str(number))
        return await scene.seen(journal())

    assert isinstance(play(act), Absent)


def test_a_batch_typed_by_a_person_is_shown_as_foreign_once_it_counts() -> None:
    async def act(scene: Scene) -> tuple[Seen, Seen]:
        lines = [
            {"AccountNumber": "4010", "Amount": Decimal("-309.92")},
            {"AccountNumber": "1150", "Amount": Decimal("309.92")},
        ]
        header = {"SourceLedger": "GL", "SourceType": "JE", "DocumentDate": "2026-10-26", "JournalDetails": lines}
        number = scene.control.plant_batch("GL", {"Description": "90000000011", "JournalHeaders": [header]})
        typed = await scene.seen(journal())
        scene.control.post_batch("GL", str(number))
        return typed, await scene.seen(journal())

    typed, posted = play(act)

    assert isinstance(typed, Working)
    assert typed.by_person
    assert isinstance(posted, Present)
    assert not posted.ours


# --- refusals and what cannot be seen ----------------------------------------------------------------------------------


def test_a_locked_period_refuses_the_entry_before_anything_is_there() -> None:
    async def act(scene: Scene) -> tuple[Decision, int]:
        scene.control.set_period("2026-10-26")
        return await scene.post(journal()), len(gl(scene))

    decision, batches = play(act)

    assert isinstance(decision, Hold)
    assert "locked" in decision.words
    assert batches == 2


def test_a_batch_of_which_a_failed_request_left_a_part_waits_for_a_person_to_delete_it() -> None:
    async def act(scene: Scene) -> Seen:
        scene.control.set_period("2026-10-26")
        await scene.post(journal())
        return await scene.seen(journal())

    seen = play(act, switches={"failed_batch": "part_filled"})

    assert isinstance(seen, Working)
    assert seen.by_person
    assert "holds 0 entries" in seen.why


def test_a_ledger_that_cannot_be_read_is_never_an_absence() -> None:
    async def act(scene: Scene) -> Seen:
        scene.control.set_rights(["AR", "CS"])
        return await scene.seen(journal())

    seen = play(act)

    assert isinstance(seen, Unclear)
    assert "Security Groups" in seen.why


def test_a_key_that_the_company_cuts_is_not_taken_for_the_document() -> None:
    seen = play(
        lambda scene: _entered(scene),
        switches={"text_length": 20, "over_long_text": "cut"},
    )

    assert isinstance(seen, Working)
    assert "20 characters" in seen.why


async def _entered(scene: Scene) -> Seen:
    await scene.do(journal(), Absent(""), "enter")
    return await scene.seen(journal())


def test_a_server_that_shifts_days_is_noticed_before_anything_counts_and_midday_mends_it() -> None:
    west = {"day_shift_hours": 8}

    shifted = play(lambda scene: scene.post(journal()), switches=west)
    midday = play(lambda scene: scene.post(journal()), switches=west, settings={"dates": "midday"})

    assert isinstance(shifted, Hold)
    assert "dated 2026-10-25 instead of 2026-10-26" in shifted.words
    assert isinstance(midday, Done)


# --- many, and everything ----------------------------------------------------------------------------------------------


def test_many_documents_are_looked_for_together_within_the_length_of_an_address() -> None:
    documents = [journal(f"9000000{number:04}") for number in range(40)]

    async def act(scene: Scene) -> list[Seen]:
        for document in documents:
            await scene.do(document, Absent(""), "enter")
        found = await scene.target.observe([scene.case(document) for document in documents])
        return [found[document.key] for document in documents]

    assert all(isinstance(seen, Partial) for seen in play(act, switches={"page_size": 7}))


def test_the_census_finds_what_carries_a_key_of_ours_and_nothing_else() -> None:
    async def act(scene: Scene) -> object:
        await scene.post(journal("90000000011"))
        await scene.do(journal("90000000012"), Absent(""), "enter")
        await scene.post(journal("90000000013"))
        scene.control.purge_batch(5)
        await scene.post(journal("90000000014", day=date(2026, 11, 5)))
        return await scene.target.census("ABCD-", date(2026, 10, 1), date(2026, 10, 31))

    found = play(act)

    def ids(number: str) -> tuple[tuple[str, str], ...]:
        return (("BatchNumber", number), ("EntryNumber", "00001"))

    assert found == [
        Found(Kind.JOURNAL_ENTRY, "ABCD-JE-90000000011-2026P10", ids("000003"), counts=True),
        Found(Kind.JOURNAL_ENTRY, "ABCD-JE-90000000012-2026P10", ids("000004"), counts=False),
        Found(Kind.JOURNAL_ENTRY, "ABCD-JE-90000000013-2026P10", ids("000005"), counts=True),
    ]

"""The writer's thread: each job ends once, and a late one is put right before the next."""

import asyncio
import threading
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.alerts import Alert, Matter, Word
from gateway.core.model import At, Kind, Reason
from gateway.edge.records import alert_from_json, alert_to_json
from gateway.edge.writer import Job, Writer, WriterHangs
from gateway.errors import StoreError


@pytest_asyncio.fixture
async def writer() -> AsyncIterator[Writer]:
    writer = Writer()
    yield writer
    await writer.stop(5.0)


async def answered(writer: Writer) -> None:
    """Let the event loop turn until the writer has put its late job behind it."""
    while writer.stuck:  # noqa: ASYNC110 - a thread ends it, not a task
        await asyncio.sleep(0)


async def test_work_is_done_in_the_one_thread_and_its_result_or_error_comes_back(
    writer: Writer,
) -> None:
    def fails(_job: Job[None]) -> None:
        raise StoreError("no")

    names = {
        await writer.run(lambda _job: threading.current_thread().name, limit_s=5) for _ in range(3)
    }
    assert names == {"store-writer"}
    with pytest.raises(StoreError, match="no"):
        await writer.run(fails, limit_s=5)


async def test_a_late_job_is_put_right_before_the_next_one_and_a_waiting_one_never_begins(
    writer: Writer,
) -> None:
    release, did = threading.Event(), list[str]()

    def slow(job: Job[str]) -> str:
        release.wait(10)
        did.append(f"slow, abandoned {job.abandoned}")
        return "result"

    with pytest.raises(WriterHangs, match="within"):
        await writer.run(slow, limit_s=0.02, late=lambda result: did.append(f"late {result}"))
    assert writer.stuck
    with pytest.raises(WriterHangs, match="earlier"):
        await writer.run(lambda _job: did.append("refused"), limit_s=5)
    release.set()
    await answered(writer)
    await writer.run(lambda _job: did.append("next"), limit_s=5)
    assert did == ["slow, abandoned True", "late result", "next"]


async def test_a_job_that_waited_its_whole_limit_behind_another_never_begins(
    writer: Writer,
) -> None:
    release, did = threading.Event(), list[str]()

    def slow(_job: Job[None]) -> None:
        release.wait(10)

    first = asyncio.create_task(writer.run(slow, limit_s=10))
    await asyncio.sleep(0)
    with pytest.raises(WriterHangs):
        await writer.run(lambda _job: did.append("second"), limit_s=0.02)
    release.set()
    await first
    await answered(writer)
    assert did == []


INSTANTS = st.builds(
    At,
    boot=st.text(min_size=1, max_size=32),
    mono_ms=st.integers(0, 2**40),
    wall_ms=st.integers(0, 2**42),
    proven=st.booleans(),
)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(
    id_=st.text(min_size=1),
    kind=st.sampled_from(Kind),
    matter=st.sampled_from(Matter),
    word=st.sampled_from(Word),
    at=INSTANTS,
    due=INSTANTS,
    stored_at=st.none() | INSTANTS,
    probability=st.floats(0, 1),
    values=st.dictionaries(st.text(), st.integers() | st.text()),
    evidence=st.dictionaries(st.text(), JSON, max_size=3),
)
def test_an_alert_comes_back_equal(
    id_: str,
    kind: Kind,
    matter: Matter,
    word: Word,
    at: At,
    due: At,
    stored_at: At | None,
    probability: float,
    values: dict[str, int | str],
    evidence: dict[str, object],
) -> None:
    alert = Alert(
        id=id_,
        kind=kind,
        device="욕실 문",
        at=at,
        onset=at,
        due=due if matter is Matter.PENDING else None,
        matter=matter,
        word=word,
        probability=probability,
        reason=Reason("code", values),
        evidence=evidence,
        stored_at=stored_at,
    )
    assert alert_from_json(alert_to_json(alert)) == alert

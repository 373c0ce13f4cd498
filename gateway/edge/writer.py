"""One thread that does all disk work, one job at a time, so that the event loop never waits on it.

    event loop                         writer thread
    run(work) ── job ──► queue ──► work(job) ──► claim ──► result ──► event loop
        │ limit passes                                │
        └── abandon ──► the job is late ──────────────┴──► late(result): put right what it did

Invariants
1. A job ends exactly once: by its result, or by being abandoned. Who claims it first, has it.
2. An abandoned job that has not begun never begins. One that has begun may ask `abandoned` before
   it commits; one that finishes all the same is handed to `late`, before any other job runs.
3. While an abandoned job is in the thread the writer is `stuck`: new jobs are refused at once, so
   that a second alarm does not wait out the limit behind the first.
"""

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable
from typing import Any, Generic, TypeVar

from gateway.errors import StoreError

T = TypeVar("T")


class WriterHangs(StoreError):  # noqa: N818 - named after what it is
    """The disk did not answer within the limit."""


class Job(Generic[T]):
    """One piece of disk work, and who has the say over its end."""

    def __init__(self, work: Callable[["Job[T]"], T], late: Callable[[T], None] | None) -> None:
        self.work, self.late = work, late
        self._loop = asyncio.get_running_loop()
        self.future: asyncio.Future[T] = self._loop.create_future()
        # Whoever was cancelled while waiting will not ask: that is no error left unseen.
        self.future.add_done_callback(lambda done: done.cancelled() or done.exception())
        self._lock = threading.Lock()
        self._claimed = ""

    @property
    def abandoned(self) -> bool:
        """Whether nobody waits for it any more: it must not commit."""
        return self._claimed == "abandoned"

    def claim(self, who: str) -> bool:
        """Return whether `who` (finished or abandoned) is the first to end this job."""
        with self._lock:
            self._claimed = self._claimed or who
            return self._claimed == who

    def deliver(self, result: T | None, error: BaseException | None) -> None:
        """Hand the outcome to the event loop (from the thread)."""
        with contextlib.suppress(RuntimeError):  # the loop has closed: nobody is left to tell
            self._loop.call_soon_threadsafe(self._resolve, result, error)

    def _resolve(self, result: Any, error: BaseException | None) -> None:
        if self.future.done():
            return
        if error is not None:
            self.future.set_exception(error)
        else:
            self.future.set_result(result)


class Writer:
    """The thread and its queue. It is a daemon thread: a hung disk must not keep the process."""

    def __init__(self) -> None:
        self._jobs: queue.SimpleQueue[Job[Any] | None] = queue.SimpleQueue()
        self._late = 0
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)
        self._thread.start()

    @property
    def stuck(self) -> bool:
        """Whether a job that nobody waits for any more still has the thread."""
        return self._late > 0

    async def run(
        self,
        work: Callable[[Job[T]], T],
        *,
        limit_s: float,
        late: Callable[[T], None] | None = None,
    ) -> T:
        """Return `work(job)`, done in the thread; WriterHangs when `limit_s` passes before.

        A caller that is cancelled leaves its job to finish: what was to be committed is.
        """
        if self.stuck:
            raise WriterHangs("the disk has not answered an earlier request")
        job = Job(work, late)
        self._jobs.put(job)
        done, _ = await asyncio.wait({job.future}, timeout=limit_s)
        if not done:
            with self._lock:
                abandoned = job.claim("abandoned")
                self._late += abandoned
            if abandoned:
                raise WriterHangs(f"the disk did not answer within {limit_s:g} s")
        return await job.future

    async def stop(self, limit_s: float) -> bool:
        """End the thread after the jobs it has; return whether it ended within `limit_s`."""
        self._jobs.put(None)
        if not self.stuck:
            await asyncio.to_thread(self._thread.join, limit_s)
        return not self._thread.is_alive()

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            self._turn(job)

    def _turn(self, job: Job[Any]) -> None:
        result, error = None, None
        try:
            if not job.abandoned:
                result = job.work(job)
        except BaseException as raised:  # noqa: BLE001 - whatever it is, it belongs to the caller
            error = raised
        if job.claim("finished"):
            job.deliver(result, error)
            return
        if result is not None and job.late is not None:
            job.late(result)
        with self._lock:
            self._late -= 1

"""The board in a terminal: frames out, keys in. What is on the screen is `presented`.

No curses: the alternate screen, the cursor's home and one whole frame are all it takes, and the
same frame is what the tests look at. The terminal is given back as it was, whatever happens.
"""

import asyncio
import os
import sys
import termios
import tty
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace

from gateway.centre.board import render, visible
from gateway.centre.centre import Centre
from gateway.centre.keys import (
    Action,
    Close,
    Handle,
    Order,
    OtherLanguage,
    Quit,
    Typed,
    press,
)
from gateway.centre.view import View
from gateway.centre.words import phrase
from gateway.errors import AnsimError, StoreError
from gateway.settings import Language

ENTER = "\x1b[?1049h\x1b[?25l"
LEAVE = "\x1b[?25h\x1b[?1049l"
HOME = "\x1b[H"
FRAME_S = 0.5
RINGS_FROM = 3  # severity: call the home, or go
ARROWS = {"\x1b[A": "k", "\x1b[B": "j"}


class Board:
    """Shows a centre until `q`."""

    def __init__(self, centre: Centre, language: Language) -> None:
        self._centre = centre
        self._language = language
        self._typed = Typed()
        self._rung: set[str] = set()
        self._quit = False

    async def run(self) -> None:
        """Draw twice a second and whenever something changed or was typed."""
        loop = asyncio.get_running_loop()
        stdin = sys.stdin.fileno()
        with _raw(stdin), self._in_the_log():
            loop.add_reader(stdin, self._read, stdin)
            try:
                while not self._quit:
                    self._draw()
                    self._centre.changed.clear()
                    try:
                        async with asyncio.timeout(FRAME_S):
                            await self._centre.changed.wait()
                    except TimeoutError:
                        pass  # the ages go on
            finally:
                loop.remove_reader(stdin)

    @contextmanager
    def _in_the_log(self) -> Iterator[None]:
        self._centre.looked("board opened")
        try:
            yield
        finally:
            with suppress(StoreError):  # leaving is not to be held up
                self._centre.looked("board left")

    def _draw(self) -> None:
        size = os.get_terminal_size(sys.stdout.fileno())
        view = replace(self._centre.view(), typed=self._typed)
        now_ms = self._centre.clock.now().wall_ms
        frame = render(view, size.columns, size.lines, self._language, now_ms)
        sys.stdout.write(HOME + frame)
        self._ring({case.id for case in view.open if case.sev >= RINGS_FROM and case.raised_ms})
        shown = set(visible(view, size.lines))
        unseen = [case.id for case in view.open if case.id in shown and case.presented_ms is None]
        if unseen:
            with suppress(StoreError):  # the ledger's own commit meets it too, and closes the lines
                self._centre.present(unseen)
        sys.stdout.flush()

    def _ring(self, raised: set[str]) -> None:
        """Ring the terminal's bell once for each alarm that somebody has to act on at once."""
        if raised - self._rung:
            sys.stdout.write("\a")
        self._rung = raised

    def _read(self, stdin: int) -> None:
        text = os.read(stdin, 64).decode(errors="replace")
        keys = ARROWS.get(text, text if not text.startswith("\x1b") else text[:1])
        for key in keys:
            self._typed, action = press(self._typed, key)
            if action is not None:
                self._act(action)
        self._centre.changed.set()

    def _act(self, action: Action) -> None:
        try:
            self._do(action)
        except AnsimError as wrong:
            self._typed = replace(self._typed, said=str(wrong))

    def _do(self, action: Action) -> None:
        view = self._centre.view()
        match action:
            case Quit():
                self._quit = True
            case OtherLanguage():
                self._language = Language.EN if self._language is Language.KO else Language.KO
            case Handle(number):
                self._centre.handle(self._alert(view, number))
            case Close(number, cause):
                self._centre.close(self._alert(view, number), cause)
            case Order(number, name):
                self._centre.command(self._hub(view, number), name)
                self._typed = replace(self._typed, said=phrase("sent", self._language))

    def _alert(self, view: View, number: int) -> str:
        return self._found(view, number, [case.id for case in view.open])

    def _hub(self, view: View, number: int) -> str:
        return self._found(view, number, [home.hub for home in view.homes])

    def _found(self, view: View, number: int, among: list[str]) -> str:
        for ident in among:
            if view.numbers.get(ident) == number:
                return ident
        raise AnsimError(f"{number}: {phrase('no-such', self._language)}")


@contextmanager
def _raw(stdin: int) -> Iterator[None]:
    """Take single keys and the other screen; Ctrl-C stays Ctrl-C."""
    before = termios.tcgetattr(stdin)
    tty.setcbreak(stdin)
    sys.stdout.write(ENTER)
    try:
        yield
    finally:
        sys.stdout.write(LEAVE)
        sys.stdout.flush()
        termios.tcsetattr(stdin, termios.TCSADRAIN, before)

"""`ansim`: every command a technician types. Each imports what it needs when it is run.

Starting `ansim status` must not load numba: a Raspberry Pi takes seconds for it.
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from gateway import __version__
from gateway.errors import AnsimError
from gateway.kernel_cache import use_own
from gateway.option import Language

DEFAULT_CONFIG = Path("/etc/ansim/gateway.yaml")
AGAIN = "ANSIM_KERNELS_COMPILED"
PAIR_LIMIT_S = 90.0
DEFAULT_SOCKET = Path("/run/ansim-gateway/control.sock")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; return its exit status. An error of ours is one line on stderr."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    args = parser(given[:1]).parse_args(given)
    try:
        status: int = args.command(args)
    except AnsimError as error:
        sys.stderr.write(f"ansim: {error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        return 141
    return status


def parser(first: Sequence[str] = ()) -> argparse.ArgumentParser:
    """Return the parser; `first`: the command, whose own module may give its options."""
    top = argparse.ArgumentParser(prog="ansim", description="A hub for people living alone.")
    top.add_argument("--version", action="version", version=f"ansim-gateway {__version__}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    run = commands.add_parser("run", help="run the daemon / 데몬 실행")
    run.add_argument("-c", "--config", type=Path, default=DEFAULT_CONFIG)
    run.add_argument(
        "--record", type=Path, metavar="FILE", help="keep every packet, for `ansim replay packets`"
    )
    run.set_defaults(command=_run)

    check = commands.add_parser("check", help="check a configuration / 설정 검사")
    check.add_argument("file", type=Path, nargs="?", default=DEFAULT_CONFIG)
    _language(check)
    check.set_defaults(command=_check)

    status = commands.add_parser("status", help="what the running hub knows / 허브 상태")
    status.add_argument("--json", action="store_true")
    _socket(status)
    _language(status)
    status.set_defaults(command=_status)

    scan = commands.add_parser("scan", help="what the hub hears / 주변 기기 보기")
    scan.add_argument("--seconds", type=float, default=10.0)
    scan.add_argument("--json", action="store_true")
    _socket(scan)
    _language(scan)
    scan.set_defaults(command=_scan)

    _pairing(commands)
    report = commands.add_parser("report", help="a home's last four weeks, a page / 4주 보고서")
    report.add_argument("-c", "--config", type=Path, default=DEFAULT_CONFIG)
    report.add_argument("-o", "--out", type=Path, required=True, metavar="OUT.html")
    report.add_argument("--title", default="", help="shown instead of the hub's pseudonym")
    _language(report)
    report.set_defaults(command=_report)

    demo = commands.add_parser("demo", help="a day in a home, without hardware / 시연")
    _language(demo)
    demo.add_argument("--hold", action="store_true", help="a home to play with, until you quit")
    demo.add_argument("--amqtt", action="store_true", help="the broker from PyPI, not mosquitto")
    demo.set_defaults(command=_demo)

    replay = commands.add_parser("replay", help="recordings through the hub / 기록 재생")
    if "replay" in first:
        from gateway.replay import command as replay_command  # noqa: PLC0415

        replay_command.add_arguments(replay)
        replay.set_defaults(command=_replay)

    _centres(commands, first)
    _life(commands)
    drivers = commands.add_parser("drivers", help="known devices / 지원 기기")
    drivers.add_argument("--rules", action="store_true", help="what each can be used for")
    _language(drivers)
    drivers.set_defaults(command=_drivers)
    return top


def _pairing(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    pair = commands.add_parser("pair", help="pair a band with this hub / 밴드 페어링")
    pair.add_argument("name", help="its name in the configuration / 설정 파일의 이름")
    pair.add_argument(
        "--again",
        action="store_true",
        help="drop the old pairing first / 기존 페어링을 지우고 다시",
    )
    _socket(pair)
    _language(pair)
    pair.set_defaults(command=_pair)


def _centres(
    commands: "argparse._SubParsersAction[argparse.ArgumentParser]", first: Sequence[str]
) -> None:
    centre = commands.add_parser("centre", help="the reference control centre / 참조 관제센터")
    if "centre" in first:
        from gateway.centre import command as centre_command  # noqa: PLC0415

        centre_command.add_arguments(centre)
        centre.set_defaults(command=centre_command.main)

    worker = commands.add_parser("centre-worker", help="a district's centre, 1 of N / 지역 관제")
    if "centre-worker" in first:
        from gateway.centre.district import command as worker_command  # noqa: PLC0415

        worker_command.add_arguments(worker)
        worker.set_defaults(command=worker_command.main)


def _life(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    warm = commands.add_parser("warm", help="compile the kernels, as installing does / 미리 컴파일")
    warm.add_argument("--part", default="", help=argparse.SUPPRESS)
    warm.set_defaults(command=_warm)

    replace = commands.add_parser("replace", help="move this hub to another / 허브 교체")
    replace.add_argument("step", choices=["pack", "unpack"], help="on the old hub, on the new one")
    replace.add_argument("file", type=Path)
    replace.add_argument("-c", "--config", type=Path, default=DEFAULT_CONFIG)
    replace.add_argument("--passphrase-file", type=Path, metavar="FILE")
    replace.add_argument(
        "--root", type=Path, default=Path("/"), help="unpack: a card's mount point"
    )
    replace.add_argument(
        "--adapter", default="", metavar="MAC", help="unpack: the new adapter, to take bonds along"
    )
    _language(replace)
    replace.set_defaults(command=_replace)

    erase = commands.add_parser("erase", help="end of service: wipe this hub / 허브 폐기")
    erase.add_argument("-c", "--config", type=Path, default=DEFAULT_CONFIG)
    erase.add_argument("--yes", action="store_true", help="do not ask")
    erase.add_argument(
        "--even-unsent", action="store_true", help="also alarms the centre does not have"
    )
    _language(erase)
    erase.set_defaults(command=_erase)


def _socket(command: argparse.ArgumentParser) -> None:
    command.add_argument("--socket", type=Path, default=DEFAULT_SOCKET, help="control socket")


def _language(command: argparse.ArgumentParser) -> None:
    command.add_argument("--lang", choices=[one.value for one in Language], default=None)


def language(args: argparse.Namespace) -> Language:
    """Return the reader's language: asked for, else the terminal's, else Korean."""
    if args.lang:
        return Language(args.lang)
    environment = os.environ.get("LC_ALL") or os.environ.get("LANG", "")
    return Language.EN if environment.startswith("en") else Language.KO


def _run(args: argparse.Namespace) -> int:
    use_own(os.environ)
    _compile_if_cold()
    # structlog loads rich, where the demo's broker has brought it, to colour tracebacks that nobody
    # sees: 7 MiB and 0.1 s (scripts/bench_memory.py). None is how Python is told that it is absent.
    sys.modules["rich"] = None  # type: ignore[assignment]
    from gateway import registry  # noqa: PLC0415
    from gateway.app import Outside  # noqa: PLC0415
    from gateway.config import load  # noqa: PLC0415
    from gateway.edge import journal  # noqa: PLC0415
    from gateway.mounts import here  # noqa: PLC0415
    from gateway.service import serve  # noqa: PLC0415
    from gateway.settings import Settings  # noqa: PLC0415

    journal.configure()

    def settings() -> Settings:
        return load(args.config, registry.find, driver_names=registry.available())

    if args.record is None:
        asyncio.run(serve(settings, outside=Outside(mounts=here()), compiled=_again))
        return 0
    from gateway.replay.recording import Recorder  # noqa: PLC0415

    with Recorder(args.record) as recorder:
        asyncio.run(serve(settings, outside=Outside(tap=recorder, mounts=here())))
    return 0


def _compile_if_cold() -> None:
    """Compile missing kernels before anything large is imported: a small board has room for one."""
    from gateway.warm import COMPILE_S, apart, cold  # noqa: PLC0415

    if cold(os.environ):
        from gateway.edge.systemd import Notifier  # noqa: PLC0415

        Notifier().extend(COMPILE_S)
        with contextlib.suppress(subprocess.CalledProcessError):  # then the daemon itself will try
            apart(os.environ)


def _again() -> None:
    """Run this command anew in the same process: only so the compiler's memory is given back.

    Kernels that were thought to be there (`gateway.kernel_cache.marked`) were not. Once: where the
    cache cannot be written, the second run would have to compile as well.
    """
    if AGAIN not in os.environ:
        again = [sys.executable, *sys.orig_argv[1:]]
        os.execve(again[0], again, {**os.environ, AGAIN: "1"})  # noqa: S606 - our own command line


def _warm(args: argparse.Namespace) -> int:
    use_own(os.environ)
    from gateway.warm import PARTS, apart  # noqa: PLC0415

    if args.part:
        PARTS[args.part]()
    else:
        apart(os.environ)
    return 0


def _check(args: argparse.Namespace) -> int:
    from gateway import registry  # noqa: PLC0415
    from gateway.check import report  # noqa: PLC0415
    from gateway.clock import SystemClock  # noqa: PLC0415
    from gateway.mounts import here  # noqa: PLC0415

    text, status = report(
        args.file,
        registry.find,
        Language(args.lang) if args.lang else None,
        now=datetime.now(UTC) if SystemClock().now().proven else None,  # noqa: TID251 - the edge
        driver_names=registry.available(),
        mounts=here(),
    )
    sys.stdout.write(text + "\n")
    return status


def _status(args: argparse.Namespace) -> int:
    from gateway.edge.control import ask  # noqa: PLC0415
    from gateway.screens import status_screen  # noqa: PLC0415

    told = asyncio.run(ask(args.socket, {"ask": "status"}))
    text = json.dumps(told, indent=2, ensure_ascii=False)
    sys.stdout.write((text if args.json else status_screen(told, language(args))) + "\n")
    return 0


def _scan(args: argparse.Namespace) -> int:
    from gateway.edge.control import ask  # noqa: PLC0415
    from gateway.screens import scan_screen  # noqa: PLC0415

    heard = asyncio.run(
        ask(args.socket, {"ask": "scan", "seconds": args.seconds}, args.seconds + 10)
    )
    text = json.dumps(heard, indent=2, ensure_ascii=False)
    sys.stdout.write((text if args.json else scan_screen(heard, language(args))) + "\n")
    return 0


def _pair(args: argparse.Namespace) -> int:
    from gateway.edge.control import ask  # noqa: PLC0415
    from gateway.screens import pair_screen  # noqa: PLC0415

    question = {"ask": "pair", "name": args.name, "again": args.again}
    told = asyncio.run(ask(args.socket, question, PAIR_LIMIT_S))
    sys.stdout.write(pair_screen(args.name, told, language(args)) + "\n")
    return 0 if told["paired"] else 1


def _report(args: argparse.Namespace) -> int:
    from gateway import registry  # noqa: PLC0415
    from gateway.config import load  # noqa: PLC0415
    from gateway.localtime import local_time  # noqa: PLC0415
    from gateway.report.page import page, write  # noqa: PLC0415
    from gateway.report.read import read_home  # noqa: PLC0415

    settings = load(args.config, registry.find, driver_names=registry.available())
    now_ms = round(datetime.now(UTC).timestamp() * 1000)  # noqa: TID251 - the edge
    made = local_time(now_ms, settings.hub.timezone).strftime("%Y-%m-%d %H:%M")
    home = read_home(settings, registry.find, made)
    write(args.out, page(replace(home, name=args.title or home.name), language(args)))
    sys.stdout.write(f"{args.out}\n")
    return 0


def _demo(args: argparse.Namespace) -> int:
    from gateway.demo.command import main as demo  # noqa: PLC0415

    return demo(args, language(args))


def _replay(args: argparse.Namespace) -> int:
    from gateway.replay.command import main as replay  # noqa: PLC0415

    return replay(args, language(args))


def _replace(args: argparse.Namespace) -> int:
    from gateway.retire import replace_hub  # noqa: PLC0415

    return replace_hub(args, language(args))


def _erase(args: argparse.Namespace) -> int:
    from gateway.retire import erase_hub  # noqa: PLC0415

    return erase_hub(args, language(args))


def _drivers(args: argparse.Namespace) -> int:
    from gateway import registry  # noqa: PLC0415
    from gateway.screens import drivers_screen, points_screen  # noqa: PLC0415

    sys.stdout.write(drivers_screen(registry.every(), language(args), rules=args.rules) + "\n")
    if args.rules:
        from gateway.core.detectors.fall_score import load_model  # noqa: PLC0415

        sys.stdout.write("\n" + points_screen(load_model().figures, language(args)) + "\n")
    return 0

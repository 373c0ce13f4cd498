"""`ansim replace` and `ansim erase`: a hub's life moved to another one, or ended."""

import argparse
import getpass
import sys
from pathlib import Path

from gateway import registry
from gateway.config import load
from gateway.edge.erasure import erase
from gateway.edge.handover import Moved, pack, unpack
from gateway.errors import ConfigurationError
from gateway.secret import Secret
from gateway.settings import Language, Settings

SHORTEST = 12

TEXTS = {
    "packed": (
        (
            "packed: {n} files. This hub refuses to start from now on. Unpack the file on the new "
            "hub, then delete it, then `ansim erase` here."
        ),
        (
            "{n}개 파일을 담았습니다. 이 허브는 더 이상 시작되지 않습니다. 새 허브에서 풀고 파일을 "
            "삭제한 뒤, 여기서 `ansim erase`를 실행하십시오."
        ),
    ),
    "unpacked": (
        (
            "unpacked: {n} files. Next: ansim check, systemctl start ansim-gateway; then delete "
            "the packed file."
        ),
        (
            "{n}개 파일을 풀었습니다. 다음: ansim check, systemctl start ansim-gateway. 그 뒤 이전 "
            "파일을 삭제하십시오."
        ),
    ),
    "bond": ("bond: {}", "페어링: {}"),
    "behind": (
        "not in it, bring it yourself: {}",
        "포함되지 않음, 직접 옮기십시오: {}",
    ),
    "erased": (
        (
            "erased: {n} files. A flash card may keep old copies out of reach: destroy it, or "
            "discard it as a whole (blkdiscard)."
        ),
        (
            "{n}개 파일을 지웠습니다. 플래시 카드에는 복사본이 남을 수 있으니 폐기하거나 전체를 "
            "삭제(blkdiscard)하십시오."
        ),
    ),
    "kept": ("another id: nothing was erased", "id가 다릅니다: 아무것도 지우지 않았습니다"),
    "journal": (
        (
            "The system's journal still tells of alarms: journalctl --rotate && "
            "journalctl --vacuum-time=1s"
        ),
        (
            "시스템 저널에는 경보 기록이 남아 있습니다: journalctl --rotate && "
            "journalctl --vacuum-time=1s"
        ),
    ),
    "left": ("could not be erased: {}", "지우지 못함: {}"),
    "sure": (
        "This ends hub {}: type its id to go on: ",
        "허브 {}의 데이터를 모두 지웁니다. 계속하려면 허브 id를 입력하십시오: ",
    ),
}


def text(name: str, language: Language, *values: object, n: int = 0) -> str:
    """Return one of the texts in the reader's language."""
    english, korean = TEXTS[name]
    return (korean if language is Language.KO else english).format(*values, n=n)


def replace_hub(args: argparse.Namespace, language: Language) -> int:
    """Pack this hub, or unpack one."""
    passphrase = _passphrase(args.passphrase_file, again=args.step == "pack")
    if args.step == "pack":
        _report(
            "packed", pack(_settings(args.config), args.config, args.file, passphrase), language
        )
    else:
        moved = unpack(args.file, passphrase, root=args.root, adapter=args.adapter)
        _report("unpacked", moved, language)
    return 0


def erase_hub(args: argparse.Namespace, language: Language) -> int:
    """End this hub's service."""
    settings = _settings(args.config)
    if not args.yes:
        sys.stdout.write(text("sure", language, settings.hub.id))
        sys.stdout.flush()
        if sys.stdin.readline().strip() != settings.hub.id:
            sys.stdout.write("\n" + text("kept", language) + "\n")
            return 1
    erased = erase(settings, args.config, even_unsent=args.even_unsent)
    lines = [text("erased", language, n=len(erased.files))]
    lines += [text("journal", language)]
    lines += [text("left", language, each) for each in erased.left]
    sys.stdout.write("\n".join(lines) + "\n")
    return 1 if erased.left else 0


def _report(name: str, moved: Moved, language: Language) -> None:
    lines = [text(name, language, n=len(moved.files))]
    lines += [text("bond", language, each) for each in moved.bonds]
    lines += [text("behind", language, each) for each in moved.left_behind]
    sys.stdout.write("\n".join(lines) + "\n")


def _settings(config: Path) -> Settings:
    return load(config, registry.find, driver_names=registry.available())


def _passphrase(file: Path | None, *, again: bool) -> Secret:
    if file is not None:
        try:
            said = file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigurationError(f"{file}: {error.strerror}") from error
    else:
        said = getpass.getpass("passphrase / 암호: ")
        if again and getpass.getpass("again / 다시: ") != said:
            raise ConfigurationError("the two are not the same / 두 암호가 다릅니다")
    if len(said) < SHORTEST:
        raise ConfigurationError(
            f"a passphrase has {SHORTEST} letters or more / 암호는 {SHORTEST}자 이상"
        )
    return Secret(said)

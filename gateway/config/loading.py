"""The technician's YAML file -> `Settings`, whole and valid, or one error that lists everything.

The types in gateway.settings are the only description: gateway.config.reader walks their fields
beside the file's tree and collects problems; this raises once, with all of them.
What types cannot say (a band too slow for falls, a key that cannot be read) is gateway.check's.

Which drivers exist is handed in (`driver_of`): the registry stands on the same floor. The file is
read and never written: what a power cut does to it is the technician's editor's matter.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from gateway.config.forms import new_hub_id
from gateway.config.problems import InvalidConfig, Place, Problem, both
from gateway.config.reader import DriverOf, Reader
from gateway.config.yaml_source import MAX_BYTES, Scalar, Table, Tree, parse
from gateway.option import Language, Text
from gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class Loaded:
    """Settings with where each of their keys stands in the file."""

    file: str
    settings: Settings
    places: Mapping[str, Place] = field(default_factory=lambda: MappingProxyType({}))


def load(
    path: Path | str,
    driver_of: DriverOf | None = None,
    *,
    driver_names: Iterable[str] = (),
    environ: Mapping[str, str] = os.environ,
) -> Settings:
    """Read a gateway.yaml; InvalidConfig says everything that is wrong with it.

    driver_of: looks a driver up, to check names and options; None: drivers are taken on trust.
    driver_names: for "did you mean". environ: where systemd's credentials and LANG are found.
    """
    return load_with_places(path, driver_of, driver_names=driver_names, environ=environ).settings


def load_with_places(
    path: Path | str,
    driver_of: DriverOf | None = None,
    *,
    driver_names: Iterable[str] = (),
    environ: Mapping[str, str] = os.environ,
) -> Loaded:
    """Read a gateway.yaml as `load` does, and keep the positions for gateway.check."""
    file = Path(path)
    try:
        with file.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or "not a file name"
        problem = Problem(None, "", Text(f"cannot be read: {why}", f"읽을 수 없습니다: {why}"))
        raise InvalidConfig(str(path), [problem], language_of(None, environ)) from None
    return load_bytes(data, file, driver_of, driver_names=driver_names, environ=environ)


def load_bytes(
    data: bytes,
    file: Path,
    driver_of: DriverOf | None = None,
    *,
    driver_names: Iterable[str] = (),
    environ: Mapping[str, str] = os.environ,
) -> Loaded:
    """Turn the bytes of a gateway.yaml into settings; `file` names it and anchors its paths."""
    source = parse(data)
    language = language_of(source.tree, environ)
    tree = source.tree
    if tree is None or (isinstance(tree, Scalar) and tree.empty):
        problems = source.problems or [_nothing_there()]
        raise InvalidConfig(str(file), problems, language)
    reader = Reader(
        file.parent.absolute(), driver_of, tuple(driver_names), environ, source.problems
    )
    settings = reader.settings(tree)
    if settings is None:
        raise InvalidConfig(str(file), reader.problems, language)
    return Loaded(str(file), settings, MappingProxyType(reader.places))


def language_of(tree: Tree | None, environ: Mapping[str, str]) -> Language:
    """Return the language of the file if it can be told, otherwise of the terminal."""
    hub = tree.get("hub") if isinstance(tree, Table) else None
    said = hub.get("language") if isinstance(hub, Table) else None
    if isinstance(said, Scalar) and said.text in tuple(Language):
        return Language(said.text)
    lang = next((v for k in ("LC_ALL", "LC_MESSAGES", "LANG") if (v := environ.get(k))), "")
    return Language.KO if lang.startswith("ko") else Language.EN


def _nothing_there() -> Problem:
    """Return what is said of an empty file: the smallest one that is not."""
    smallest = f"""
hub: {{id: {new_hub_id()}, district: "1120000000"}}
uplink: {{brokers: [{{url: "mqtts://centre.example:8883"}}]}}
devices: [{{name: sos, driver: bthome, address: "B4:35:22:11:22:33", role: sos}}]"""
    return Problem(
        None,
        "",
        Text("nothing is written in this file", "파일에 내용이 없습니다"),
        write=both(smallest.replace("\n", "\n        ")),
    )

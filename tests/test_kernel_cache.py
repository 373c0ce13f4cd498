"""Compiled kernels are those of the sources that run, whatever file has changed."""

from pathlib import Path

from gateway.kernel_cache import (
    RUNTIME,
    VARIABLE,
    fingerprint,
    machine,
    mark,
    marked,
    use_own,
)


def source(root: Path, text: str) -> None:
    (root / "gateway" / "core").mkdir(parents=True, exist_ok=True)
    (root / "gateway" / "core" / "kernels.py").write_text(text)


def test_another_version_compiles_anew_and_the_old_ones_folder_goes(tmp_path: Path) -> None:
    root, cache = tmp_path / "src", tmp_path / "cache"
    source(root, "first")
    environ = {VARIABLE: str(cache)}
    use_own(environ, root)
    first = Path(environ[VARIABLE])
    first.mkdir(parents=True)
    (cache / "somebody-elses").mkdir()
    use_own(environ, root)
    assert Path(environ[VARIABLE]) == first, "the same sources, also when begun anew"
    source(root, "second")
    environ = {VARIABLE: str(cache)}
    use_own(environ, root)
    assert Path(environ[VARIABLE]).parent == cache
    assert environ[VARIABLE] != str(first)
    assert [path.name for path in cache.iterdir()] == ["somebody-elses"]


def test_a_checkout_keeps_numbas_own_way() -> None:
    environ: dict[str, str] = {}
    use_own(environ)
    assert environ == {}


def compiled(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "fall.nbi").write_text(text)


def test_kernels_that_the_installation_compiled_are_copied_into_an_empty_cache(
    tmp_path: Path,
) -> None:
    root, cache, installed = tmp_path / "src", tmp_path / "cache", tmp_path / "venv"
    source(root, "first")
    compiled(installed / fingerprint(root), "machine code")
    environ = {VARIABLE: str(cache)}
    use_own(environ, root, installed)
    assert (Path(environ[VARIABLE]) / "fall.nbi").read_text() == "machine code"
    (Path(environ[VARIABLE]) / "fall.nbi").write_text("compiled here since")
    use_own(environ, root, installed)
    assert (Path(environ[VARIABLE]) / "fall.nbi").read_text() == "compiled here since"
    assert [path.name for path in cache.iterdir()] == [fingerprint(root)]


def test_a_cache_that_cannot_be_written_gives_way_to_the_run_directory(tmp_path: Path) -> None:
    root, installed, run = tmp_path / "src", tmp_path / "venv", tmp_path / "run"
    source(root, "first")
    compiled(installed / fingerprint(root), "machine code")
    run.mkdir()
    (tmp_path / "no-folder").write_text("a file cannot hold a cache")
    environ = {VARIABLE: str(tmp_path / "no-folder"), RUNTIME: str(run)}
    use_own(environ, root, installed)
    assert Path(environ[VARIABLE]) == run / "kernels" / fingerprint(root)
    assert (Path(environ[VARIABLE]) / "fall.nbi").exists()


def test_a_folder_is_whole_only_for_the_machine_that_compiled_it(tmp_path: Path) -> None:
    assert not marked(tmp_path)
    mark(tmp_path)
    assert marked(tmp_path)
    (tmp_path / ".compiled-on").write_text("another board")
    assert not marked(tmp_path)


def test_a_board_is_known_by_its_processor_not_by_how_fast_it_goes_or_what_kernel_it_has(
    tmp_path: Path,
) -> None:
    def board(text: str) -> str:
        (tmp_path / "cpuinfo").write_text(text)
        return machine(tmp_path / "cpuinfo")

    zero = "processor\t: 0\nBogoMIPS\t: 38.40\nFeatures\t: fp asimd crc32\nCPU part\t: 0xd03\n"
    assert board(zero) == board(zero.replace("38.40", "54.00"))
    assert board(zero) == board(zero + zero), "more cores of one kind"
    assert board(zero) == board(zero.replace("crc32", "crc32 cpuid")), "a newer kernel"
    assert board(zero) != board(zero.replace("0xd03", "0xd08"))
    assert board(zero) != machine(tmp_path / "nothing")

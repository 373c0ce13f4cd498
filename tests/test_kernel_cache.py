"""Compiled kernels are those of the sources that run, whatever file has changed."""

from pathlib import Path

from gateway.kernel_cache import RUNTIME, VARIABLE, fingerprint, use_own


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

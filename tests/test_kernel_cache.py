"""Compiled kernels are those of the sources that run, whatever file has changed."""

from pathlib import Path

from gateway.kernel_cache import VARIABLE, use_own


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

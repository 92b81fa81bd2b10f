"""Where models are kept: complete or not there, whoever writes first. No model is loaded, no network is asked."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from offhook.offline.speech import fold, models
from offhook.offline.speech.mind import ears_workers


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package with three small files in place of the model, and a folding that copies."""
    folder = tmp_path / "package"
    folder.mkdir()
    for name in models.SOURCES:
        (folder / name).write_bytes(name.encode())
    monkeypatch.setenv("OFFHOOK_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(models, "_packaged", lambda: folder)
    monkeypatch.setattr(models, "SOURCES", {name: models.sha256_of(folder / name) for name in models.SOURCES})
    monkeypatch.setattr(models, "fold", lambda a, b: b.write_bytes(a.read_bytes()))
    return folder


def test_the_model_is_prepared_once(source: Path) -> None:
    told: list[str] = []
    first = models.moonshine_folder(told.append)
    assert models.moonshine_folder(told.append) == first
    assert told == ["preparing the recognition model (once)"]
    assert sorted(f.name for f in first.iterdir()) == [
        "complete", "decoder_model_merged.onnx", "encoder_model.onnx", "tokenizer.bin",
    ]  # fmt: skip
    assert list(first.parent.iterdir()) == [first], "nothing half-done is left"


def test_a_file_cut_short_is_prepared_again(source: Path) -> None:
    folder = models.moonshine_folder(lambda _: None)
    (folder / "encoder_model.onnx").write_bytes(b"")
    assert (models.moonshine_folder(lambda _: None) / "encoder_model.onnx").read_bytes() == b"encoder_model.ort"


def test_somebody_who_was_first_wins(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def slow(a: Path, b: Path) -> None:
        b.write_bytes(a.read_bytes())
        if a.name.startswith("decoder"):
            monkeypatch.setattr(models, "fold", lambda a, b: b.write_bytes(a.read_bytes()))
            models.moonshine_folder(lambda _: None)  # another process, faster

    monkeypatch.setattr(models, "fold", slow)
    folder = models.moonshine_folder(lambda _: None)
    assert models._is_complete(folder)
    assert list(folder.parent.iterdir()) == [folder]


def test_a_file_that_is_not_the_published_one_is_refused(source: Path) -> None:
    (source / "tokenizer.bin").write_bytes(b"something else")
    with pytest.raises(models.ModelMissing, match=r"tokenizer\.bin is not the published file"):
        models.moonshine_folder(lambda _: None)


def test_where_nothing_can_be_fetched_it_says_what_to_install(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(models, "_packaged", lambda: None)
    monkeypatch.setattr(
        models, "_pip_clients", lambda: [[sys.executable, "-c", "raise SystemExit(1)"], ["no-such-pip"]]
    )
    with pytest.raises(models.ModelMissing, match=r'pip install "offhook\[offline\]"'):
        models.moonshine_folder(lambda _: None)


def test_a_wheel_that_is_not_the_published_one_is_refused(source: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def downloaded(into: Path) -> Path:
        wheel = into / "x.whl"
        wheel.write_bytes(b"PK")
        return wheel

    monkeypatch.setattr(models, "_packaged", lambda: None)
    monkeypatch.setattr(models, "_downloaded", downloaded)
    with pytest.raises(models.ModelMissing, match="not the published one"):
        models.moonshine_folder(lambda _: None)


def test_a_cache_that_cannot_be_written_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("OFFHOOK_CACHE", str(blocked / "below"))
    monkeypatch.setattr(models.tempfile, "gettempdir", lambda: str(tmp_path))
    assert models.cache_folder().parent == tmp_path


def field(number: int, content: bytes) -> bytes:
    return bytes((number << 3 | 2, len(content))) + content


def test_graphs_without_a_name_get_one_at_every_depth() -> None:
    branch = field(1, b"")
    node = field(4, b"If") + field(5, field(1, b"then_branch") + field(6, branch))
    known, foreign = field(8, field(1, b"") + b"\x10\x11"), field(8, field(1, b"com.example"))
    model = b"\x08\x08" + known + foreign + field(7, field(1, node))
    mended = fold._mended(memoryview(model), "model")
    inner = field(1, b"") + field(2, b"graph")
    outer = field(1, field(4, b"If") + field(5, field(1, b"then_branch") + field(6, inner))) + field(2, b"graph")
    assert mended == b"\x08\x08" + known + field(7, outer)


def test_a_graph_with_a_name_keeps_it() -> None:
    model = field(7, field(2, b"mine"))
    assert fold._mended(memoryview(model), "model") == model


@pytest.mark.parametrize(("cores", "workers"), [(1, 1), (2, 1), (4, 1), (8, 2), (64, 2)])
def test_recognition_processes(cores: int, workers: int) -> None:
    assert ears_workers(cores) == workers

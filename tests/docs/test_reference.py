"""The reference says what the code says: settings, command line, errors, metrics, schema."""

from __future__ import annotations

import pytest
from tools import reference

from offhook.config.keys import every_key


@pytest.mark.parametrize("page", reference.pages())
def test_no_page_is_stale(page):
    """On failure run: python -m tools.reference."""
    written = (reference.FOLDER / page).read_text(encoding="utf-8")

    assert written == reference.pages()[page]()


def test_every_setting_is_on_the_page_with_its_environment_name():
    page = (reference.FOLDER / "settings.md").read_text(encoding="utf-8")

    assert [
        key.env for key in every_key() if f"`{key.env}`" not in page and key.path[0] not in ("agents", "numbers")
    ] == []


def test_every_command_is_on_the_page():
    page = (reference.FOLDER / "cli.md").read_text(encoding="utf-8")

    for command in ("config show", "config check", "config path", "config schema", "twiml", "serve"):
        assert f"## `offhook {command}`" in page


def test_a_stale_page_is_noticed(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "FOLDER", tmp_path)
    (tmp_path / "metrics.md").write_text(reference.metrics_page() + "more\n", encoding="utf-8")
    (tmp_path / "errors.md").write_text(reference.errors_page(), encoding="utf-8")

    assert set(reference.stale()) == set(reference.pages()) - {"errors.md"}

"""Every example of offhook.toml and of .env in the docs is taken by the loader as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from offhook.config import load

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"```(toml|sh)\n(.*?)```", re.DOTALL)
EXAMPLES = [
    pytest.param(kind, text, id=f"{page.stem}-{index}")
    for page in PAGES
    if page.is_file()
    for index, (kind, text) in enumerate(
        re.findall(r"```(toml|sh)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    )
    if (kind == "toml" and "[project" not in text) or (kind == "sh" and re.fullmatch(r"(#.*\n|[A-Z_]+=.*\n)+", text))
]


@pytest.mark.parametrize(("kind", "text"), EXAMPLES)
def test_the_loader_takes_it(tmp_path, kind, text):
    (tmp_path / "prompt.md").write_text("You answer the telephone.\n", encoding="utf-8")
    (tmp_path / "offhook.toml").write_text(text if kind == "toml" else "", encoding="utf-8")
    (tmp_path / ".env").write_text("LLM_KEY=x\n" if kind == "toml" else text, encoding="utf-8")

    loaded = load(tmp_path / "offhook.toml", {})

    assert set(loaded.origins.values()) - {"default"} or kind == "sh"

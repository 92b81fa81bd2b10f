"""Every example of offhook.toml, of .env, of a scenario and of a script in the docs is taken as it is written."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from offhook.config import load
from offhook.offline.script import load_script
from offhook.scenario.reading import load as load_scenario

#: Pages whose TOML is another file than offhook.toml.
OTHERS = {"dial": load_scenario, "test-conversations": load_scenario, "offline-agent": load_script}
ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
_BLOCK = re.compile(r"```(toml|sh)\n(.*?)```", re.DOTALL)
EXAMPLES = [
    pytest.param(page.stem, kind, text, id=f"{page.stem}-{index}")
    for page in PAGES
    if page.is_file()
    for index, (kind, text) in enumerate(
        re.findall(r"```(toml|sh)\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    )
    if (kind == "toml" and "[project" not in text) or (kind == "sh" and re.fullmatch(r"(#.*\n|[A-Z_]+=.*\n)+", text))
]


@pytest.mark.parametrize(("page", "kind", "text"), EXAMPLES)
def test_the_loader_takes_it(tmp_path, page, kind, text):
    if kind == "toml" and page in OTHERS:
        (tmp_path / "example.toml").write_text(text, encoding="utf-8")
        for name in re.findall(r'"([\w-]+\.ulaw)"', text):
            for folder in (tmp_path, tmp_path / "recordings"):
                folder.mkdir(exist_ok=True)
                (folder / name).write_bytes(b"\xff" * 160)
        assert OTHERS[page](tmp_path / "example.toml")
        return
    (tmp_path / "prompt.md").write_text("You answer the telephone.\n", encoding="utf-8")
    (tmp_path / "offhook.toml").write_text(text if kind == "toml" else "", encoding="utf-8")
    (tmp_path / ".env").write_text("LLM_KEY=x\n" if kind == "toml" else text, encoding="utf-8")

    loaded = load(tmp_path / "offhook.toml", {})

    assert set(loaded.origins.values()) - {"default"} or kind == "sh"

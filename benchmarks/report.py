"""What the benchmark says: why a run was not exact, medians and ratios, the table, the verdict. Measures nothing."""

from __future__ import annotations

import statistics
from typing import Any

#: What is asked of offhook at 200 calls on one core.
RATIO, P99_MS, KIB_PER_CALL = 1.6, 5.0, 100.0
FIGURES = (
    "cpu_ms_per_call_second",
    "cpu_ms_until_steady_per_call",
    "kib_per_call",
    "base_rss_mib",
    "steal_share",
    "wait_share",
)
DELAYS = ("up_delay", "down_delay", "clear_round_trip", "first_audio", "load_lateness")

Result = dict[str, Any]


def faults_of(result: Result) -> str:
    """Say in one line why a run was not exact; empty where it was."""
    said = [f"{n} calls failed ({why})" for why, n in result["failures"].items()]
    for side, name in (("up", "caller → agent"), ("down", "agent → caller")):
        said += [f"{name}: {result[side][k]} {k}" for k in ("lost", "repeated", "corrupt") if result[side][k]]
    said += [f"{result[k]} {k}" for k in ("crossed", "wrong_stream_sid", "bad_messages") if result[k]]
    said += [f"clears {k}: {result['clears'][k]}" for k in ("missed", "late") if result["clears"][k]]
    if not said and not result["exact"]:
        said.append("a call without audio or without its agent")
    return "; ".join(said)


def median(results: list[Result], *path: str) -> float:
    values = []
    for result in results:
        value: Any = result
        for step in path:
            value = value[step]
        values.append(float(value))
    return statistics.median(values)


def summary(name: str, results: list[Result], base: list[Result]) -> Result:
    """Medians over the rounds; the ratio is the median of the rounds' own ratios."""
    ratios = [r["cpu_ms_per_call_second"] / b["cpu_ms_per_call_second"] for r, b in zip(results, base, strict=True)]
    line: Result = {"name": name, "ratio": statistics.median(ratios), "ratios": ratios}
    for key in FIGURES:
        line[key] = median(results, key)
    for key in DELAYS:
        line[key] = {q: median(results, key, q) for q in ("p50_ms", "p99_ms", "max_ms")}
    line["exact"] = all(r["exact"] for r in results)
    line["leaked"] = sum(r["leaked_agent_sockets"] for r in results)
    line["faults"] = [f for f in map(faults_of, results) if f]
    return line


def table(lines: list[Result]) -> str:
    head = ("server", "CPU ms/call-s", "× C relay", "up p50/p99/max ms", "down p50/p99/max ms", "clear p50/p99 ms",
            "first audio p50/p99 ms", "KiB/call", "exact", "leaked")  # fmt: skip
    rows = [head, tuple("---" for _ in head)]
    for s in lines:
        up, down = ("{p50_ms:.2f} / {p99_ms:.2f} / {max_ms:.1f}".format(**s[k]) for k in ("up_delay", "down_delay"))
        clear, first = ("{p50_ms:.2f} / {p99_ms:.2f}".format(**s[k]) for k in ("clear_round_trip", "first_audio"))
        rows.append((s["name"], f"{s['cpu_ms_per_call_second']:.2f}", f"{s['ratio']:.2f}", up, down, clear, first,
                     f"{s['kib_per_call']:.0f}", "yes" if s["exact"] else "NO", str(s["leaked"])))  # fmt: skip
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def verdict(line: Result) -> list[str]:
    if not line["exact"]:
        return [f"{line['name']}: no verdict, frames were not exact: {' | '.join(line['faults'])}"]
    p99 = max(line["up_delay"]["p99_ms"], line["down_delay"]["p99_ms"])
    checks = (
        (line["ratio"] <= RATIO, f"CPU {line['ratio']:.2f} × the C relay (≤ {RATIO})"),
        (p99 <= P99_MS, f"p99 added {p99:.2f} ms each way (≤ {P99_MS:.0f})"),
        (line["kib_per_call"] <= KIB_PER_CALL, f"{line['kib_per_call']:.0f} KiB per call (≤ {KIB_PER_CALL:.0f})"),
        (not line["leaked"], f"{line['leaked']} agent sockets left open (0)"),
    )
    return [f"{line['name']}: {'met    ' if met else 'NOT MET'} {text}" for met, text in checks]

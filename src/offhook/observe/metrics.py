"""The metrics, as a table and as Prometheus collectors. Never sees audio, numbers or words; labels are closed sets."""

from __future__ import annotations

from typing import Literal, NamedTuple

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

_LATENCY_S = (0.1, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 15.0)
_CALL_S = (5, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200)


class Metric(NamedTuple):
    """One metric: its name without the `offhook_` prefix, kind, meaning and labels."""

    name: str
    kind: Literal["counter", "gauge", "histogram"]
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()


METRICS: tuple[Metric, ...] = (
    Metric("calls_live", "gauge", "Calls admitted or streaming."),
    Metric("agent_sockets", "gauge", "Open sockets to the agent; each is billed while it is open."),
    Metric(
        "log_lines_dropped", "gauge", "Lines of the log that nobody took: its reader is gone or slow, its disk full."
    ),
    Metric("calls_total", "counter", "Calls that ended, by cause.", ("result", "reason")),
    Metric("refused_total", "counter", "Streams and webhooks turned away, by reason.", ("reason",)),
    Metric(
        "events_total", "counter", "What happened inside calls, by stable name; bytes where it says so.", ("event",)
    ),
    Metric("defects_total", "counter", "Defects of offhook itself; each ended one call."),
    Metric("call_seconds", "histogram", "Length of calls.", (), _CALL_S),
    Metric("first_audio_seconds", "histogram", "From `start` to the first agent audio sent.", (), _LATENCY_S),
    Metric("answer_seconds", "histogram", "From the confirmed end of a caller's turn to the answer.", (), _LATENCY_S),
)


class Metrics:
    """The collectors of one process, in a registry of their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.counters: dict[str, Counter] = {}
        self.gauges: dict[str, Gauge] = {}
        self.histograms: dict[str, Histogram] = {}
        for metric in METRICS:
            name = f"offhook_{metric.name}"
            if metric.kind == "counter":
                self.counters[metric.name] = Counter(name, metric.help, metric.labels, registry=self.registry)
            elif metric.kind == "gauge":
                self.gauges[metric.name] = Gauge(name, metric.help, metric.labels, registry=self.registry)
            else:
                self.histograms[metric.name] = Histogram(
                    name, metric.help, metric.labels, buckets=metric.buckets, registry=self.registry
                )

    def text(self) -> bytes:
        """Render for `GET /metrics`."""
        return generate_latest(self.registry)

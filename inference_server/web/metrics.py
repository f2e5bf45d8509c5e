"""Figures for Prometheus: what this process answered, and what the record and the queue hold."""

import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from inference_server.domain.frame import Frame
from inference_server.domain.report import Report
from inference_server.models import Models
from inference_server.ports import CaseStore, Clock, FrameQueue
from inference_server.stages import Stage

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)
_STAGE_SECONDS = (0.001, 0.0025, *_SECONDS)
_WAIT_SECONDS = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0, 3600.0)


class Metrics:
    """The figures of one app, in a registry of their own."""

    def __init__(self, store: CaseStore, queue: FrameQueue, models: Models, clock: Clock) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "xuncheng_http_requests",
            "Answers by route and status",
            ("method", "route", "status"),
            registry=self.registry,
        )
        self.seconds = Histogram(
            "xuncheng_http_request_seconds", "Time to answer", ("route",), buckets=_SECONDS, registry=self.registry
        )
        self.streams = Gauge("xuncheng_open_streams", "Open WebSocket streams", registry=self.registry)
        self.frames = Counter("xuncheng_frames", "Frames done by outcome", ("outcome",), registry=self.registry)
        self.frame_seconds = Histogram(
            "xuncheng_frame_seconds", "Time to analyse a frame", buckets=_SECONDS, registry=self.registry
        )
        self.stage_seconds = Histogram(
            "xuncheng_frame_stage_seconds",
            "Time of an analysed frame in each stage",
            ("stage",),
            buckets=_STAGE_SECONDS,
            registry=self.registry,
        )
        self._stages = {stage: self.stage_seconds.labels(stage.value) for stage in Stage}
        self.result_seconds = Histogram(
            "xuncheng_frame_result_seconds",
            "From the arrival of a frame to its result, waiting included",
            buckets=_WAIT_SECONDS,
            registry=self.registry,
        )
        self.registry.register(_Record(store, queue, clock))
        self.registry.register(_Models(models))

    def count(self, name: str, about: str, counts: Mapping[str, int], label: str = "outcome") -> None:
        """Show counts that somebody else keeps, by outcome or what else they are apart by."""
        self.registry.register(_Counts(name, about, counts, label))

    def hear(self, frame: Frame, report: Report, seconds: float) -> None:
        """Count a frame that a worker is done with."""
        self.hear_of_result(frame, report)
        self.frame_seconds.observe(seconds)

    def hear_of_result(self, frame: Frame, report: Report) -> None:
        """Count a frame that is done, whoever did it."""
        self.frames.labels("analysed" if report.drop is None else report.drop.reason.value).inc()
        self.result_seconds.observe((report.analysed_at - frame.received_at).total_seconds())

    def stage_watch(self, stage: Stage) -> AbstractContextManager[object]:
        """Takes the time of one stage of one frame."""
        return self._stages[stage].time()


class _Record(Collector):
    """Counts of the record, asked for at the moment of the scrape."""

    def __init__(self, store: CaseStore, queue: FrameQueue, clock: Clock) -> None:
        self._store, self._queue, self._clock = store, queue, clock

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing yet: the record is not asked before a scrape."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The depth of the queue, and the counts of the store by their names."""
        depth = GaugeMetricFamily("xuncheng_queue_frames", "Frames that wait or are in work")
        depth.add_metric((), self._queue.depth())
        yield depth
        counts = GaugeMetricFamily(
            "xuncheng_record", "Frames, cases and events by what became of them", labels=["what"]
        )
        for what, count in sorted(self._store.counts().items()):
            counts.add_metric((what,), count)
        yield counts
        oldest = GaugeMetricFamily(
            "xuncheng_oldest_seconds", "Age of the first frame that waits, and of the first event", labels=["what"]
        )
        waiting, now = self._store.oldest_waiting(), self._clock.now()
        for what in ("frame", "event"):
            oldest.add_metric((what,), max((now - waiting.get(what, now)).total_seconds(), 0.0))
        yield oldest


class _Counts(Collector):
    """Counts by one label, as they stand at the scrape."""

    def __init__(self, name: str, about: str, counts: Mapping[str, int], label: str) -> None:
        self._name, self._about, self._counts, self._label = name, about, counts, label

    def describe(self) -> Iterable[CounterMetricFamily]:
        """Nothing yet, as above."""
        return ()

    def collect(self) -> Iterator[CounterMetricFamily]:
        """One counter with all values of the label."""
        family = CounterMetricFamily(self._name, self._about, labels=[self._label])
        for value, count in sorted(self._counts.items()):
            family.add_metric((value,), count)
        yield family


class _Models(Collector):
    """Which models run, and whether a wanted one was refused."""

    def __init__(self, models: Models) -> None:
        self._models = models

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing yet, as above."""
        return ()

    def collect(self) -> Iterator[GaugeMetricFamily | CounterMetricFamily]:
        """Version, fault and swaps of each place of the registry."""
        runs = GaugeMetricFamily("xuncheng_model", "1 for the model that holds a place", labels=["alias", "version"])
        faults = GaugeMetricFamily("xuncheng_model_fault", "1 where a wanted model is refused", labels=["alias"])
        swaps = CounterMetricFamily("xuncheng_model_swaps", "Models that took over from another", labels=["alias"])
        for one in self._models.status():
            if one.version is not None:
                runs.add_metric((one.alias, one.version), 1)
            faults.add_metric((one.alias,), one.fault is not None)
            swaps.add_metric((one.alias,), one.swaps)
        yield from (runs, faults, swaps)


class Measured:
    """ASGI middleware that counts answers and their time by route (never by address: that would have no end)."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app, self._metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on and count."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started_s, status = time.monotonic(), "500"

        async def watched(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = str(message["status"])
            await send(message)

        try:
            await self._app(scope, receive, watched)
        finally:
            route = getattr(scope.get("route"), "path", "unknown")
            self._metrics.requests.labels(_method(scope), route, status).inc()
            self._metrics.seconds.labels(route).observe(time.monotonic() - started_s)


def _method(scope: Scope) -> str:
    method = str(scope["method"])
    return method if method in {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} else "other"

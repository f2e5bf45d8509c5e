"""What the routes stand on: ports and use cases, chosen in bootstrap.py."""

from dataclasses import dataclass

from inference_server.access_ports import AuditLog
from inference_server.casework import Casework
from inference_server.learning_ports import ReviewStore, ShadowStore
from inference_server.models import Models
from inference_server.ports import CaseStore, Clock, Evidence, FrameQueue, Registry
from inference_server.retention_ports import Holds, RetentionRecord
from inference_server.reviewing import Reviewing
from inference_server.showing import Showing
from inference_server.sight import Sight
from inference_server.web.accept import Acceptance
from inference_server.web.asking import Asking
from inference_server.web.body import ByteBudget, FrameReader
from inference_server.web.metrics import Metrics
from inference_server.web.readiness import Readiness
from inference_server.web.telling import Open311


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything a route may call."""

    store: CaseStore
    queue: FrameQueue
    evidence: Evidence
    registry: Registry
    audit: AuditLog
    clock: Clock
    acceptance: Acceptance
    casework: Casework
    reviewing: Reviewing
    reader: FrameReader
    budget: ByteBudget
    readiness: Readiness
    metrics: Metrics
    models: Models
    shadows: ShadowStore
    reviews: ReviewStore
    asking: Asking
    sight: Sight
    showing: Showing
    open311: Open311
    holds: Holds
    deletions: RetentionRecord
    wait_s: float = 10.0
    max_streams: int = 64

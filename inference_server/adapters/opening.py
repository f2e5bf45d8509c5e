"""Everything that keeps state, opened together and brought up to date."""

import fcntl
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path

import structlog
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import text

from inference_server.adapters.clock import SystemClock
from inference_server.adapters.database import Database
from inference_server.adapters.durable_files import make_folder
from inference_server.adapters.evidence import FolderEvidence, ObjectEvidence, RetainedEvidence
from inference_server.adapters.nats_bus import NatsBus
from inference_server.adapters.nats_queue import NatsQueue
from inference_server.adapters.nats_stream import StreamPlan
from inference_server.adapters.objects import AnyStore, Objects
from inference_server.adapters.owner import Owner, bury_the_dead
from inference_server.adapters.sealing import Keyring, Seal
from inference_server.adapters.spool import FolderSpool, ObjectSpool, Spool
from inference_server.adapters.sql_accounts import SqlAccounts
from inference_server.adapters.sql_audit import SqlAuditLog
from inference_server.adapters.sql_drift import SqlDrift
from inference_server.adapters.sql_holds import SqlHolds
from inference_server.adapters.sql_kept_looks import SqlKeptLooks
from inference_server.adapters.sql_outbox import SqlOutbox
from inference_server.adapters.sql_photos import SqlPhotos
from inference_server.adapters.sql_picture_keys import SqlPictureKeys
from inference_server.adapters.sql_queue import QueueLimits, SqlQueue
from inference_server.adapters.sql_registry import SqlRegistry
from inference_server.adapters.sql_retention import SqlRetention
from inference_server.adapters.sql_reviews import SqlReviews
from inference_server.adapters.sql_roll import SqlRoll
from inference_server.adapters.sql_sessions import SqlSessions, SqlTries
from inference_server.adapters.sql_shadows import SqlShadows
from inference_server.adapters.sql_store import SqlCaseStore
from inference_server.adapters.sql_tips import SqlTips
from inference_server.adapters.sql_verifications import SqlTurns, SqlVerifications
from inference_server.domain.case_states import CaseStates
from inference_server.ports import Clock
from inference_server.retention_ports import PictureShelf

_MIGRATIONS = Path(__file__).parent / "migrations"
_CASE_STATES = Path(__file__).parents[1] / "policy" / "case_states.toml"
_RETAINING = ":retaining"
_ADVISORY_LOCK = 7_308_604_896  # any number that nobody else uses in this database

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class BusOptions:
    """The NATS server that hands frames to workers. `sweep_every_s` 0 compares it with the record at each claim."""

    url: str
    plan: StreamPlan = field(default_factory=StreamPlan)
    sweep_every_s: float = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class OpeningOptions:
    """What a caller may want to differ. `fast_unsafe` syncs nothing: for benchmarks, never for a city's record.

    Without `bus` workers ask the database for frames; without `objects` pictures lie in the data folder; without keys
    they are not sealed.
    """

    limits: QueueLimits = field(default_factory=QueueLimits)
    is_open: Callable[[str], bool] | None = None  # of the case states; None: as policy/case_states.toml says
    clock: Clock | None = None
    fast_unsafe: bool = False
    bus: BusOptions | None = None
    objects: AnyStore | None = None
    keyring: Keyring = field(default_factory=Keyring)


@dataclass(frozen=True, slots=True, kw_only=True)
class Adapters:
    """All that keeps state. Close it when done."""

    store: SqlCaseStore
    queue: SqlQueue | NatsQueue
    evidence: RetainedEvidence
    shelf: PictureShelf
    retention: SqlRetention
    holds: SqlHolds
    spool: Spool
    registry: SqlRegistry
    outbox: SqlOutbox
    roll: SqlRoll
    photos: SqlPhotos
    kept_looks: SqlKeptLooks
    reviews: SqlReviews
    shadows: SqlShadows
    drift: SqlDrift
    verifications: SqlVerifications
    audit: SqlAuditLog
    accounts: SqlAccounts
    sessions: SqlSessions
    tries: SqlTries
    turns: SqlTurns
    tips: SqlTips
    retention_turns: SqlTurns
    database: Database
    owner: Owner
    bus: NatsBus | None
    keys: SqlPictureKeys
    keyring: Keyring

    def close(self) -> None:
        """Give back connections and leases."""
        if self.bus is not None:
            self.bus.close()
        self.database.close()
        self.owner.close()


def default_database_url(data_folder: Path) -> str:
    """The SQLite database that a data folder holds."""
    return f"sqlite:///{(data_folder / 'xuncheng.sqlite').absolute()}"


def open_adapters(database_url: str | None, data_folder: Path, options: OpeningOptions | None = None) -> Adapters:
    """The adapters over one database (None: SQLite in the data folder), its schema up to date, leftovers put right.

    Safe when several processes start at once: one of them migrates, the others wait for it.
    """
    options = options or OpeningOptions()
    make_folder(data_folder, sync=not options.fast_unsafe)
    database = Database(database_url or default_database_url(data_folder), fast_unsafe=options.fast_unsafe)
    with ExitStack() as undone, _alone(data_folder / "opening.lock"):
        undone.callback(database.close)
        migrate(database)
        SqlPictureKeys(database, options.clock or SystemClock()).adopt(options.keyring)
        owner = Owner(data_folder / "owners")
        undone.callback(owner.close)
        adapters = _over(database, owner, data_folder, options)
        adapters.store.adopt_states()
        if adapters.bus is not None:
            undone.callback(adapters.bus.close)
        _log.info("record_opened", **asdict(adapters.queue.recover(bury_the_dead(data_folder / "owners"))))
        undone.pop_all()
    return adapters


def _over(database: Database, owner: Owner, data_folder: Path, options: OpeningOptions) -> Adapters:
    sync = not options.fast_unsafe
    clock = options.clock or SystemClock()
    seal = Seal(options.keyring)
    spool: Spool = FolderSpool(data_folder / "spool", sync=sync, seal=seal)
    shelf: FolderEvidence | ObjectEvidence = FolderEvidence(data_folder / "evidence", sync=sync, seal=seal)
    if options.objects is not None:
        spool = ObjectSpool(Objects(options.objects, "waiting"), seal=seal)
        shelf = ObjectEvidence(Objects(options.objects, "evidence"), seal=seal)
    retention = SqlRetention(database, owner.name, clock)
    evidence = RetainedEvidence(shelf, retention)
    record = SqlQueue(database, spool, owner.name, options.limits, clock)
    bus = None if options.bus is None else NatsBus(options.bus.url, options.bus.plan)
    return Adapters(
        store=SqlCaseStore(database, options.is_open or CaseStates.load(_CASE_STATES).is_open, clock),
        queue=record if bus is None or options.bus is None else NatsQueue(record, bus, options.bus.sweep_every_s),
        evidence=evidence,
        shelf=shelf,
        retention=retention,
        holds=SqlHolds(database, clock),
        spool=spool,
        registry=SqlRegistry(database, clock),
        outbox=SqlOutbox(database, owner.name),
        roll=SqlRoll(database),
        photos=SqlPhotos(database),
        kept_looks=SqlKeptLooks(database, evidence),
        reviews=SqlReviews(database),
        shadows=SqlShadows(database),
        drift=SqlDrift(database),
        verifications=SqlVerifications(database, clock),
        audit=SqlAuditLog(database, clock),
        accounts=SqlAccounts(database, clock),
        sessions=SqlSessions(database, clock),
        tries=SqlTries(database, clock),
        turns=SqlTurns(database, owner.name, clock),
        tips=SqlTips(database, owner.name, clock),
        retention_turns=SqlTurns(database, owner.name, clock, _RETAINING),
        database=database,
        owner=owner,
        bus=bus,
        keys=SqlPictureKeys(database, clock),
        keyring=options.keyring,
    )


def migrate(database: Database) -> None:
    """Nothing; afterwards the schema is the newest. All of it happens in one transaction, or none."""
    config, newest = _migrations()
    with database.reading() as connection:
        if MigrationContext.configure(connection).get_current_revision() == newest:
            return
    with database.writing() as connection:
        if not database.is_sqlite:
            connection.execute(text(f"SELECT pg_advisory_xact_lock({_ADVISORY_LOCK})"))
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@cache
def _migrations() -> tuple[Config, str | None]:
    """Where the migrations are, and the name of the newest."""
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config, ScriptDirectory.from_config(config).get_current_head()


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """No other process is between here and the end of the block."""
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield

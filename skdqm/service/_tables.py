"""The tables of the storage, as they are now; ``migrations`` says how they came to be."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    SmallInteger,
    String,
    Table,
    Text,
    and_,
    text,
)

# SQLite numbers rows by themselves only where the key is an INTEGER, which has 64 bits there.
Key = BigInteger().with_variant(Integer, "sqlite")
IS_FLAGGED = text("verdict = -1")
HAS_RUN = text("run IS NOT NULL")

metadata = MetaData()

# The last number that a verdict was given: who touches it has the turn to write. And the number up
# to which verdicts on good rows are forgotten.
VERDICTS, FORGOTTEN = "verdicts", "forgotten"
counters = Table(
    "counters",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)

model_versions = Table(
    "model_versions",
    metadata,
    Column("model", String(64), primary_key=True),
    Column("version", Integer, primary_key=True, autoincrement=False),
    Column("time", Float, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(32), nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("threshold", Float),
    Column("content", LargeBinary, nullable=False),
)

# The version that judges, and the file that its history began with.
active_versions = Table(
    "active_versions",
    metadata,
    Column("model", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
    Column("file_sha256", String(64), nullable=False),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("id", Key, primary_key=True, autoincrement=False),
    Column("time", Float, nullable=False),
    Column("model", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("run", BigInteger),
    Column("lumisection", BigInteger),
    Column("anomaly_score", Float),
    Column("p_value", Float),
    Column("threshold", Float),
    Column("verdict", SmallInteger, nullable=False),
)
Index("verdicts_by_model", verdicts.c.model, verdicts.c.id)
Index(
    "verdicts_by_run",
    verdicts.c.model,
    verdicts.c.run,
    verdicts.c.id,
    sqlite_where=HAS_RUN,
    postgresql_where=HAS_RUN,
)
Index(
    "verdicts_flagged",
    verdicts.c.model,
    verdicts.c.id,
    sqlite_where=IS_FLAGGED,
    postgresql_where=IS_FLAGGED,
)

# What the trend shows: one for each lumisection, or for some seconds.
points = Table(
    "points",
    metadata,
    Column("model", String(64), primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("run", BigInteger),
    Column("lumisection", BigInteger),
    Column("time", Float, nullable=False),
    Column("n", BigInteger, nullable=False),
    Column("n_flagged", BigInteger, nullable=False),
    Column("n_undecided", BigInteger, nullable=False),
    Column("score", Float),
    Column("threshold", Float),
    Column("changed", Float, nullable=False),
)
Index("points_by_change", points.c.model, points.c.changed)

alarms = Table(
    "alarms",
    metadata,
    Column("id", Key, primary_key=True),
    Column("model", String(64), nullable=False),
    Column("version", Integer, nullable=False),
    Column("run", BigInteger),
    Column("first_lumisection", BigInteger),
    Column("last_lumisection", BigInteger),
    Column("worst_lumisection", BigInteger),
    Column("first_time", Float, nullable=False),
    Column("last_time", Float, nullable=False),
    Column("n_flagged", BigInteger, nullable=False),
    Column("score", Float, nullable=False),
    Column("threshold", Float),
    Column("p_value", Float),
    Column("culprit", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("masked", Boolean, nullable=False),
    Column("acknowledged_by", String(200)),
    Column("acknowledged_at", Float),
    Column("acknowledged_comment", Text),
    Column("changed", Float, nullable=False),
    # The last one: nobody has to read over it.
    Column("evidence", LargeBinary, nullable=False),
)
IS_OPEN = and_(alarms.c.acknowledged_at.is_(None), alarms.c.masked.is_(False))
Index("alarms_by_change", alarms.c.model, alarms.c.changed)
Index("alarms_by_time", alarms.c.model, alarms.c.last_time, alarms.c.id)
Index(
    "alarms_open",
    alarms.c.model,
    alarms.c.last_time,
    alarms.c.id,
    sqlite_where=IS_OPEN,
    postgresql_where=IS_OPEN,
)
Index("alarms_by_culprit", alarms.c.model, alarms.c.culprit, alarms.c.last_time)

masks = Table(
    "masks",
    metadata,
    Column("id", Key, primary_key=True),
    Column("model", String(64), nullable=False),
    Column("culprit", Text, nullable=False),
    Column("comment", Text, nullable=False),
    Column("by", String(200), nullable=False),
    Column("at", Float, nullable=False),
    Column("removed_by", String(200)),
    Column("removed_at", Float),
    Column("changed", Float, nullable=False),
)
Index("masks_by_change", masks.c.model, masks.c.changed)

audit = Table(
    "audit",
    metadata,
    Column("id", Key, primary_key=True),
    Column("time", Float, nullable=False),
    Column("actor", String(200), nullable=False),
    Column("action", String(32), nullable=False),
    Column("model", String(64)),
    Column("version", Integer),
    Column("key", String(64)),
    Column("detail", Text, nullable=False),
)
Index("audit_by_time", audit.c.model, audit.c.time)

histograms = Table(
    "histograms",
    metadata,
    Column("model", String(64), primary_key=True),
    Column("run", BigInteger, primary_key=True, autoincrement=False),
    Column("lumisection", BigInteger, primary_key=True, autoincrement=False),
    Column("time", Float, nullable=False),
    Column("counts", LargeBinary, nullable=False),
)
Index("histograms_by_time", histograms.c.model, histograms.c.time)

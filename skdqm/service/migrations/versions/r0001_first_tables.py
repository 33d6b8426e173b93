"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make them."""
    _make_versions()
    _make_verdicts()
    _make_shift()


def downgrade() -> None:
    """Remove them."""
    op.drop_table("histograms")
    op.drop_table("audit")
    op.drop_table("masks")
    op.drop_table("alarms")
    op.drop_table("points")
    op.drop_table("verdicts")
    op.drop_table("active_versions")
    op.drop_table("model_versions")
    op.drop_table("counters")


def _make_versions() -> None:
    """Make the tables of models, and the counters."""
    op.create_table(
        "counters",
        sa.Column("name", sa.String(32), primary_key=True),
        sa.Column("value", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "model_versions",
        sa.Column("model", sa.String(64), primary_key=True),
        sa.Column("version", sa.Integer(), primary_key=True, autoincrement=False),
        sa.Column("time", sa.Float(), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("threshold", sa.Float()),
        sa.Column("content", sa.LargeBinary(), nullable=False),
    )
    op.create_table(
        "active_versions",
        sa.Column("model", sa.String(64), primary_key=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("file_sha256", sa.String(64), nullable=False),
    )
    op.execute("INSERT INTO counters (name, value) VALUES ('verdicts', 0), ('forgotten', 0)")


def _make_verdicts() -> None:
    """Make the tables of what was judged."""
    op.create_table(
        "verdicts",
        sa.Column("id", KEY, primary_key=True, autoincrement=False),
        sa.Column("time", sa.Float(), nullable=False),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("run", sa.BigInteger()),
        sa.Column("lumisection", sa.BigInteger()),
        sa.Column("anomaly_score", sa.Float()),
        sa.Column("p_value", sa.Float()),
        sa.Column("threshold", sa.Float()),
        sa.Column("verdict", sa.SmallInteger(), nullable=False),
    )
    op.create_index("verdicts_by_model", "verdicts", ["model", "id"])
    op.create_index(
        "verdicts_by_run",
        "verdicts",
        ["model", "run", "id"],
        sqlite_where=sa.text("run IS NOT NULL"),
        postgresql_where=sa.text("run IS NOT NULL"),
    )
    op.create_index(
        "verdicts_flagged",
        "verdicts",
        ["model", "id"],
        sqlite_where=sa.text("verdict = -1"),
        postgresql_where=sa.text("verdict = -1"),
    )
    op.create_table(
        "points",
        sa.Column("model", sa.String(64), primary_key=True),
        sa.Column("key", sa.String(64), primary_key=True),
        sa.Column("run", sa.BigInteger()),
        sa.Column("lumisection", sa.BigInteger()),
        sa.Column("time", sa.Float(), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.Column("n_flagged", sa.BigInteger(), nullable=False),
        sa.Column("n_undecided", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.Float()),
        sa.Column("threshold", sa.Float()),
        sa.Column("changed", sa.Float(), nullable=False),
    )
    op.create_index("points_by_change", "points", ["model", "changed"])
    op.create_table(
        "histograms",
        sa.Column("model", sa.String(64), primary_key=True),
        sa.Column("run", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("lumisection", sa.BigInteger(), primary_key=True, autoincrement=False),
        sa.Column("time", sa.Float(), nullable=False),
        sa.Column("counts", sa.LargeBinary(), nullable=False),
    )
    op.create_index("histograms_by_time", "histograms", ["model", "time"])


def _make_shift() -> None:
    """Make the tables of what the shift crew sees and does."""
    op.create_table(
        "alarms",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("run", sa.BigInteger()),
        sa.Column("first_lumisection", sa.BigInteger()),
        sa.Column("last_lumisection", sa.BigInteger()),
        sa.Column("worst_lumisection", sa.BigInteger()),
        sa.Column("first_time", sa.Float(), nullable=False),
        sa.Column("last_time", sa.Float(), nullable=False),
        sa.Column("n_flagged", sa.BigInteger(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("threshold", sa.Float()),
        sa.Column("p_value", sa.Float()),
        sa.Column("culprit", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("masked", sa.Boolean(), nullable=False),
        sa.Column("acknowledged_by", sa.String(200)),
        sa.Column("acknowledged_at", sa.Float()),
        sa.Column("acknowledged_comment", sa.Text()),
        sa.Column("changed", sa.Float(), nullable=False),
        sa.Column("evidence", sa.LargeBinary(), nullable=False),
    )
    op.create_index("alarms_by_change", "alarms", ["model", "changed"])
    op.create_index("alarms_by_time", "alarms", ["model", "last_time", "id"])
    op.create_index(
        "alarms_open",
        "alarms",
        ["model", "last_time", "id"],
        sqlite_where=sa.text("acknowledged_at IS NULL AND masked IS 0"),
        postgresql_where=sa.text("acknowledged_at IS NULL AND masked IS false"),
    )
    op.create_index("alarms_by_culprit", "alarms", ["model", "culprit", "last_time"])
    op.create_table(
        "masks",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("model", sa.String(64), nullable=False),
        sa.Column("culprit", sa.Text(), nullable=False),
        sa.Column("comment", sa.Text(), nullable=False),
        sa.Column("by", sa.String(200), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("removed_by", sa.String(200)),
        sa.Column("removed_at", sa.Float()),
        sa.Column("changed", sa.Float(), nullable=False),
    )
    op.create_index("masks_by_change", "masks", ["model", "changed"])
    op.create_table(
        "audit",
        sa.Column("id", KEY, primary_key=True),
        sa.Column("time", sa.Float(), nullable=False),
        sa.Column("actor", sa.String(200), nullable=False),
        sa.Column("action", sa.String(32), nullable=False),
        sa.Column("model", sa.String(64)),
        sa.Column("version", sa.Integer()),
        sa.Column("key", sa.String(64)),
        sa.Column("detail", sa.Text(), nullable=False),
    )
    op.create_index("audit_by_time", "audit", ["model", "time"])

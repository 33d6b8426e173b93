"""How the tables of the storage came to be: revisions of Alembic."""

"""Run by Alembic: applies the migrations on the connection that `store.schema` hands over."""

from alembic import context

from store.tables import Table

connection = context.config.attributes["connection"]
# SQLite alters a table by copying it.
context.configure(connection=connection, target_metadata=Table.metadata, render_as_batch=True)
with context.begin_transaction():
    context.run_migrations()

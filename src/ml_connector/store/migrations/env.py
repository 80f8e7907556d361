"""Run by Alembic. The connection comes from the caller, inside the caller's transaction."""

from alembic import context

from ml_connector.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()

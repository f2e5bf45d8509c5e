"""How Alembic reaches the database: over the connection that `opening.migrate` hands it, inside its transaction."""

from alembic import context

from inference_server.adapters.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    render_as_batch=True,
)
context.run_migrations()

"""The schema's version: applied by `migrate`, insisted on by `open_store`."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from pipelines.errors import InvalidConfiguration
from store.sessions import make_engine, translated

_MIGRATIONS = Path(__file__).with_name("migrations")


def migrate(database_url: str) -> None:
    """Creates the tables, or brings them to this version. Raises `StoreUnavailable`."""
    engine = make_engine(database_url)
    try:
        with translated(), engine.connect() as connection:
            config = _config()
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            connection.commit()
    finally:
        engine.dispose()


def insist_on_current_schema(engine: Engine) -> None:
    """Raises `InvalidConfiguration` unless the schema is of this version."""
    with translated(), engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    script = ScriptDirectory.from_config(_config())
    wanted = script.get_current_head()
    if found == wanted:
        return
    known = {revision.revision for revision in script.walk_revisions()}
    if found is None or found in known:
        reason, solution = (
            "the store's tables are missing or older than this version",
            "Run `deploy-gateway migrate`",
        )
    else:
        reason = f"the store's tables are of a newer version ({found}) than this program ({wanted})"
        solution = "Run a version of deploy-gateway that is at least as new as the one that migrated the store"
    raise InvalidConfiguration(reason, solution, where="store")


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    return config

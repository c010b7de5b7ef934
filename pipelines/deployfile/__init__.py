"""`deploy.yaml`: what a team writes. A closed schema, and errors with the line and the key that was meant."""

from pipelines.deployfile.overlay import overlaid, repository_files
from pipelines.deployfile.published import json_schema
from pipelines.deployfile.reading import LARGEST_BYTES, LARGEST_FILE_BYTES, Declaration, read
from pipelines.deployfile.schema import API_VERSION, DeployFile

__all__ = [
    "API_VERSION",
    "LARGEST_BYTES",
    "LARGEST_FILE_BYTES",
    "Declaration",
    "DeployFile",
    "json_schema",
    "overlaid",
    "read",
    "repository_files",
]

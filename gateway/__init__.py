"""The front door: the HTTP API. Holds token digests, and neither cluster nor Git credentials."""

"""The demonstration: two teams, five acts, each verified against the API server."""

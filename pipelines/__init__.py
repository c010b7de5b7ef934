"""The heart of the gateway: what a Release goes through, decided on plain values.

Nothing here knows of Flask, RQ or SQL. What touches the world is one adapter each, in
`pipelines.adapters`, behind a Protocol of `pipelines.ports`.
"""

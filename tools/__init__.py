"""The `deploy-gateway` command, the pinned Go tools, and the embedded stack to try everything on."""

"""The subcommands of `deploy-gateway`, one noun each."""

"""The command line that teams use: a client of the API."""

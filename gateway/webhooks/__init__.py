"""What forges announce: proven, read, and turned into Releases."""

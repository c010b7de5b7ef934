"""The commands, one verb or noun each."""

"""The names of what can be chosen."""

"""Sheets: what stands in ``right`` is read by the tests, and is no test."""

collect_ignore_glob = ["right/*"]

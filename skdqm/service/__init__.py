"""The scoring service: verdicts over HTTP, the shifter's page, storage that survives a kill."""

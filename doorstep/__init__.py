"""The command line, the settings and the embedded stack: the only place that sees every package."""

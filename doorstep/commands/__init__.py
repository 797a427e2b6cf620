"""One module a command of `doorstep`; heavy imports inside functions, so `--help` is quick."""

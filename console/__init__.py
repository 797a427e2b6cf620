"""The doctors' web page; the build puts its files in `static/`."""
